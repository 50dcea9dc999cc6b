// Package sg has what is to be registered: scatter/gather lists, the memory
// they point into, and the generators that make both.
package sg
