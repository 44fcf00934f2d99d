# SPDX-License-Identifier: GPL-3.0-or-later
# Who is on which host at the instants where something happened: a row an
# instant, a column a host, a block a VM.  Dashed: where one is being sent.
data = name.'.dat'
set lmargin at screen 0.25
set rmargin at screen 0.985
set tmargin at screen 1 - 46.0/height
set bmargin at screen 8.0/height
set xrange [0:x_high]
set yrange [-n_rows+1:1.0]
unset border
unset tics
unset key
tint(e) = light[e % n_colours + 1]
edge(e) = colour[e % n_colours + 1]

plot data index 'cells0' using 1:2:3:4:5:6 with boxxyerror \
		fill solid 1 border linecolor rgb grey \
		linecolor rgb '#f4f4f4', \
	for [e=0:n_envs-1] data index sprintf('env%d', e) \
		using 1:2:3:4:5:6 with boxxyerror fill solid 1 \
		border linecolor rgb edge(e) linecolor rgb tint(e), \
	for [e=0:n_envs-1] data index sprintf('ghost%d', e) \
		using 1:2:3:4:5:6 with boxxyerror fill empty \
		border linecolor rgb edge(e) linecolor rgb edge(e) \
		dashtype 2 linewidth 1.4, \
	for [e=0:n_envs-1] data index sprintf('env%d', e) \
		using 1:2:7 with labels noenhanced font ',9', \
	for [e=0:n_envs-1] data index sprintf('ghost%d', e) \
		using 1:2:7 with labels noenhanced font ',9' \
		textcolor rgb grey, \
	data index 'ways0' using 1:2:3:4 with vectors nohead \
		linewidth 1.2 linecolor rgb ink, \
	data index 'heads0' using 1:2:3:4 with vectors head \
		size screen 0.006,22 filled linewidth 1.2 linecolor rgb ink, \
	data index 'hosts0' using 1:(0.93):3 with labels noenhanced \
		font ',8' offset 0,0.6, \
	data index 'domains0' using 1:(0.93):3 with labels noenhanced \
		font ',12' offset 0,1.7, \
	data index 'captions0' using 1:2:3 with labels right noenhanced \
		font ',10' offset -17,0, \
	data index 'captions0' using 1:2:4 with labels left noenhanced \
		font ',9' offset -16,0
