// Package reg has the ways an upper-layer protocol registers a
// scatter/gather list, each a Strategy that posts mlx5 work requests.
package reg
