# SPDX-License-Identifier: GPL-3.0-or-later
# What all figures share: size, type, and colours that stay apart for colour-
# blind eyes (Okabe and Ito 2008) and, by their patterns, without colour.
if (!exists("format")) format = 'svg'
if (!exists("width")) width = 900
if (!exists("height")) height = 520

if (format eq 'png') {
	set terminal pngcairo size 2*width,2*height font 'DejaVu Sans,10' \
		fontscale 2 linewidth 2 pointscale 2 background '#ffffff'
} else {
	set terminal svg size width,height dynamic font 'DejaVu Sans,10' \
		background '#ffffff'
}
set output name.'.'.format
set encoding utf8

n_colours = 7
array colour[7] = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', \
	'#d55e00', '#f0e442']
# Light enough to write on in black.
array light[7] = ['#7fb8d8', '#f2cf7f', '#7fcfb9', '#e5bcd3', '#aad9f4', \
	'#eaae7f', '#f7f1a0']
array pattern[7] = [4, 5, 6, 7, 1, 2, 3]
ink = '#000000'
grey = '#808080'
faint = '#d9d9d9'

set border 3 linecolor rgb grey
set tics nomirror scale 0.5 textcolor rgb ink
set key noenhanced
set style textbox opaque noborder margins 0.4,0.4
