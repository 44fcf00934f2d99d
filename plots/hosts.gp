# SPDX-License-Identifier: GPL-3.0-or-later
# CPU utilisation of every host: a row a host, time to the right, dark is busy.
data = name.'.dat'
set lmargin at screen 0.13
set rmargin 10
set tmargin 1.5
set bmargin 4
set xrange [0:end_s]
set yrange [n_hosts-0.5:-0.5]
set border 1
set xlabel 'time (s)'
unset ytics
unset key
set palette defined (0 '#ffffff', 0.25 '#c6dbef', 0.5 '#6baed6', \
	0.75 '#2171b5', 1 '#08306b')
set cbrange [0:100]
set cblabel 'CPU in use (%)'
set colorbox user origin graph 1.015, graph 0 size 0.018, graph 1

plot data index 'used' using 1:2:3 with image, \
	data index 'domains' using (0):2:(end_s):(0) with vectors nohead \
		linewidth 1.5 linecolor rgb ink, \
	data index 'hosts' using (0):(n_hosts <= 40 ? $1 : NaN):2 \
		with labels right noenhanced font ',9' offset -0.8,0, \
	data index 'domains' using (0):1:3 with labels center rotate \
		noenhanced font ',11' offset -11,0
