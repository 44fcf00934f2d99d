# SPDX-License-Identifier: GPL-3.0-or-later
# Who is on which host, over time: a row a host, a colour an environment.
# Hatched: being sent; the arrow goes to where it lands.
data = name.'.dat'
set lmargin at screen 0.13
set rmargin 3
set tmargin 3
set bmargin 4
set xrange [0:end_s]
set yrange [y_low:1.1]
set border 1
unset ytics
set xlabel 'time (s)'
set key at graph 1, screen 0.985 top right horizontal samplen 1.4 width 1
tint(e) = light[e % n_colours + 1]
edge(e) = colour[e % n_colours + 1]

plot data index 'hosts0' using 1:2:3:4:5:6 with boxxyerror \
		fill solid 1 noborder linecolor rgb '#f4f4f4' notitle, \
	for [e=0:n_envs-1] data index sprintf('env%d', e) \
		using 1:2:3:4:5:6 with boxxyerror fill solid 1 \
		border linecolor rgb edge(e) linecolor rgb tint(e) \
		title env_name[e+1], \
	data index 'moving0' using 1:2:3:4:5:6 with boxxyerror \
		fill transparent pattern 4 noborder linecolor rgb '#404040' \
		title 'migrating', \
	keyentry with lines linewidth 3 linecolor rgb grey \
		title heads ? 'thin: head VM' : '', \
	data index 'arrows0' using 1:2:3:4 with vectors head size end_s/90,18 \
		filled linewidth 1 linecolor rgb '#a0000000' notitle, \
	data index 'labels0' using 1:2:3 with labels noenhanced \
		font ',8' notitle, \
	data index 'hosts0' using (0):2:7 with labels right noenhanced \
		font ',9' offset -0.8,0 notitle, \
	data index 'domains0' using 1:2:3 with labels center rotate \
		noenhanced font ',11' offset -11,0 notitle
