# SPDX-License-Identifier: GPL-3.0-or-later
# Pre-copy rounds: a box is as wide as a round took and as high as its rate,
# so its area is what was sent; the line is how fast memory was dirtied.
data = name.'.dat'
columns = n > 1 ? 2 : 1
rows = (n + columns - 1) / columns
set multiplot layout rows,columns margins screen 0.08, 0.985, \
	56.0/height, 1 - 34.0/height spacing screen 0.075, screen 92.0/height
set yrange [0:*]
set offsets 0, 0, graph 0.22, 0
set grid ytics linecolor rgb faint linetype 1 linewidth 0.6
set key top left horizontal samplen 2 width 2
set xlabel 'time since the migration began (s)'
set ylabel 'Mbit/s'
do for [k=1:n] {
	set title title_of[k] noenhanced offset 0,-0.5
	set xrange [0:1.03*ends[k]]
	plot data index sprintf('rounds%d', k-1) using 1:2:3:4:5:6 \
			with boxxyerror fill solid 1 \
			border linecolor rgb colour[1] \
			linecolor rgb light[1] title 'sent', \
		data index sprintf('rounds%d', k-1) using 1:10:3:4 \
			with xerrorbars pointtype 0 linewidth 2 \
			linecolor rgb colour[6] title 'dirtied', \
		data index sprintf('rounds%d', k-1) using \
			($4 - $3 > 0.1*ends[k] ? $1 : NaN):6:8 \
			with labels font ',9' offset 0,0.5 notitle
	unset key
}
unset multiplot
