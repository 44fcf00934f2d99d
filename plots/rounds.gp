# SPDX-License-Identifier: GPL-3.0-or-later
# Pre-copy rounds of a migration: what each sent, how long that took, and what
# was dirtied meanwhile; in the last the VM is stopped.
data = name.'.dat'
columns = n > 1 ? 2 : 1
rows = (n + columns - 1) / columns
set multiplot layout rows,columns margins screen 0.08, 0.985, \
	56.0/height, 1 - 40.0/height spacing screen 0.085, screen 96.0/height
set logscale y
set yrange [0.05:4000]
set format y '%g'
set grid ytics linecolor rgb faint linetype 1 linewidth 0.6
set key top right horizontal samplen 2 width 2
set xlabel 'round'
set ylabel 'MiB'
set boxwidth 0.8
do for [k=1:n] {
	set title title_of[k] noenhanced offset 0,-0.3
	set xrange [0.4:n_rounds[k]+0.6]
	set xtics 1 * (1 + n_rounds[k]/20) scale 0
	plot data index sprintf('rounds%d', k-1) using 1:2 with boxes \
			fill solid 1 border linecolor rgb colour[1] \
			linecolor rgb light[1] title 'sent', \
		data index sprintf('rounds%d', k-1) using 1:3 with points \
			pointtype 7 pointsize 0.8 linecolor rgb colour[6] \
			title 'dirtied meanwhile', \
		data index sprintf('rounds%d', k-1) using \
			1:(n_rounds[k] <= 14 ? $2 : NaN):5 \
			with labels font ',8' offset 0,0.5 notitle
	unset key
}
unset multiplot
