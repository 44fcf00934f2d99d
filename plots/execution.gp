# SPDX-License-Identifier: GPL-3.0-or-later
# Execution time of each environment under each policy; over a bar its change
# from the first policy.
if (!exists("heading")) heading = ''
data = name.'.dat'
set title heading noenhanced
set yrange [0:1.12*highest]
set xrange [-0.7:n_rows+0.2]
set ylabel 'execution time (s)'
set xtics scale 0 noenhanced
set grid ytics linecolor rgb faint linetype 1 linewidth 0.6
set key top left Left reverse samplen 2 spacing 1.3
bar(k) = 3 + 5*k

plot for [k=0:n-1] data using bar(k):(column(bar(k)+3)/2): \
		(column(bar(k)+1)):(column(bar(k)+2)):(0): \
		(column(bar(k)+3)) with boxxyerror \
		fill solid 1 border linecolor rgb colour[k+1] \
		linecolor rgb light[k+1] title policy[k+1], \
	for [k=1:n-1] data using bar(k):(column(bar(k)+3)/2): \
		(column(bar(k)+1)):(column(bar(k)+2)):(0): \
		(column(bar(k)+3)) with boxxyerror \
		fill transparent pattern pattern[k] border \
		linecolor rgb colour[k+1] linecolor rgb colour[k+1] \
		notitle, \
	for [k=0:n-1] data using bar(k):(column(bar(k)+3)): \
		(stringcolumn(bar(k)+4)) with labels font ',9' \
		offset 0,0.6 notitle, \
	data using 1:(0):xtic(2) with points pointtype 0 notitle
