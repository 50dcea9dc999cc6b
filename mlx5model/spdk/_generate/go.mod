module github.com/sgfuzz/sgfuzz/mlx5model/spdk/_generate

go 1.26.0

require (
	github.com/mmcloughlin/avo v0.6.0
	github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit v0.0.0
)

require (
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
)

replace github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit => ../../internal/_emit
