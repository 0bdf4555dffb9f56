package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Large is a Disk that keeps files too large to be held in memory, piece by
// piece.
type Large interface {
	Disk
	// Append writes a piece at the offset at, where what the file has beyond it
	// is cut off, and syncs it. At offset 0 the file is begun anew with a mode;
	// its name is on disk after SyncDir.
	Append(path string, at int64, piece []byte, mode fs.FileMode) error
	// Open reads a file.
	Open(path string) (File, error)
}

// File is a file that is read.
type File interface {
	io.ReadCloser
	io.ReaderAt
}

var _ Large = Real{}

// Open implements Large.
func (Real) Open(path string) (File, error) { return os.Open(path) }

// Append implements Large.
func (Real) Append(path string, at int64, piece []byte, mode fs.FileMode) error {
	flags := os.O_WRONLY
	if at == 0 {
		// Another file under the same name: who runs or reads the former goes on.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, mode)
	if err != nil {
		return err
	}
	if at > 0 {
		err = f.Truncate(at)
	}
	if err == nil {
		_, err = f.WriteAt(piece, at)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
