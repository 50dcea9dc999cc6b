module github.com/sgfuzz/sgfuzz

go 1.26
