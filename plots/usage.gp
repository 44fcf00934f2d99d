# SPDX-License-Identifier: GPL-3.0-or-later
# What a VM had, and what it used of it: CPU above, memory below.
data = name.'.dat'
set multiplot layout 2,1 margins screen 0.085, 0.98, 0.11, 0.93 \
	spacing screen 0.05
set xrange [0:end_s]
set grid ytics linecolor rgb faint linetype 1 linewidth 0.6
set key top right horizontal samplen 2 width 2
set format x ''
set yrange [0:*]
set offsets 0, 0, graph 0.18, 0
set label 1 who.' of '.of at graph 0, 1.06 left noenhanced
set ylabel 'CPU (% of one CPU)'
plot data using 1:3 with fillsteps fill solid 1 linecolor rgb light[1] \
		title 'allocated', \
	data using 1:3 with steps linewidth 1.2 linecolor rgb colour[1] \
		notitle, \
	data using 1:2 with steps linewidth 1.6 linecolor rgb colour[6] \
		title 'used'
unset label 1
set format x '%g'
set xlabel 'time (s)'
set ylabel 'memory (MiB)'
plot data using 1:5 with fillsteps fill solid 1 linecolor rgb light[1] \
		title 'allocated', \
	data using 1:5 with steps linewidth 1.2 linecolor rgb colour[1] \
		notitle, \
	data using 1:4 with steps linewidth 1.6 linecolor rgb colour[6] \
		title 'used'
unset multiplot
