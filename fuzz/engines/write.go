package engines

import "github.com/sgfuzz/sgfuzz/internal/files"

// file is a file to be written; its name has slashes.
type file struct {
	name string
	data []byte
}

// writeAll writes files below a directory, all or none.
func writeAll(dir string, all []file) error {
	return files.Together(dir, func(b *files.Batch) error {
		for _, f := range all {
			if err := b.Write(f.name, f.data); err != nil {
				return err
			}
		}
		return nil
	})
}
