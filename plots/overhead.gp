# SPDX-License-Identifier: GPL-3.0-or-later
# What migrating a whole environment costs: run times without and with, by
# size of the problem, and what the added time is made of.
data = name.'.dat'
set multiplot layout 1,2 margins screen 0.085, 0.985, 0.13, 0.92 \
	spacing screen 0.09
set xrange [-0.6:n-0.4]
set xtics scale 0
set xlabel unit
set grid ytics linecolor rgb faint linetype 1 linewidth 0.6
set key top left Left reverse samplen 2

set yrange [0:*]
set ylabel 'run time (s)'
plot data using 0:($2/2):($0-0.38):($0-0.02):(0):2:xtic(1) with boxxyerror \
		fill solid 1 border linecolor rgb colour[1] \
		linecolor rgb light[1] title 'without migration', \
	data using 0:($3/2):($0+0.02):($0+0.38):(0):3 with boxxyerror \
		fill solid 1 border linecolor rgb colour[2] \
		linecolor rgb light[2] title 'with migration', \
	data using 0:($3/2):($0+0.02):($0+0.38):(0):3 with boxxyerror \
		fill transparent pattern 4 border linecolor rgb colour[2] \
		linecolor rgb colour[2] notitle

set yrange [0:36]
set ylabel 'run time added (s), and by what'
plot data using 0:($7/2):($0-0.3):($0+0.3):(0):7:xtic(1) with boxxyerror \
		fill solid 1 border linecolor rgb colour[6] \
		linecolor rgb colour[6] title 'down-time', \
	data using 0:($8/2):($0-0.3):($0+0.3):7:8 with boxxyerror \
		fill solid 1 border linecolor rgb colour[5] \
		linecolor rgb light[5] title 'virtual network cut', \
	data using 0:($9/2):($0-0.3):($0+0.3):8:9 with boxxyerror \
		fill transparent pattern 5 border linecolor rgb colour[3] \
		linecolor rgb colour[3] \
		title 'slow-down, during and after', \
	data using 0:5:(0):10 with vectors heads size graph 0.02,90 \
		nofilled linewidth 1.4 linecolor rgb ink \
		title 'least to most of the seeds'
unset multiplot
