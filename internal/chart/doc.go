// Package chart draws bars, stacked bars and lines as SVG, for pages and for
// files that stand alone. Axes are linear or logarithmic.
//
//	c := chart.Bars{Title: "Bytes copied", Labels: names, Series: []chart.Values{{V: bytes}}}
//	inPage, err := c.SVG()  // an <svg> element that takes the page's colours
//	err = c.WriteSVG(f)     // a file that brings its own
//
// Colours come from package page's classes, so that a picture follows the
// reader's light or dark scheme and prints on paper. Series are told apart by
// more than colour: bars stand in the order of the legend and name themselves
// when pointed at, lines have marks of different shape and names at their ends.
// A picture is announced by its title; what it says must stand in the page as
// text or a table too.
//
// Values that are not there are NaN; a bar is then a dash and a line has a hole.
// An axis with logarithms has no place for 0 and less: they are left out like
// NaN. Infinite values, and series of another length than the labels, are
// errors.
//
// # Why not a library
//
// Of the chart libraries for Go that are alive, go-analyze/charts and gonum/plot
// write fixed colours into their SVG, which rules out a scheme that the reader
// chooses, and bring modules for fonts and rasters; mike-ward/go-charts has
// logarithmic axes but comes with a GUI toolkit; riclib/gosvgchart has no
// dependencies, but no logarithmic axes either and not yet a first release. This
// package is what is needed, over encoding/xml.
package chart

import "errors"

// Errors of WriteSVG and SVG, wrapped with what is at fault.
var (
	ErrShape  = errors.New("series and labels differ in length")
	ErrValue  = errors.New("value cannot be drawn")
	ErrNoData = errors.New("nothing to draw")
)
