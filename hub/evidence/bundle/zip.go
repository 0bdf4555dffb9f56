package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// ErrMalformed is wrapped by every error about the form of a bundle.
var ErrMalformed = errors.New("malformed bundle")

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, a...))
}

const (
	localSize   = 30
	centralSize = 46
	endSize     = 22
	zipDate     = 0x0021 // 1 January 1980, the first day that zip knows
	zipVersion  = 10     // stored files need no more
)

// File is a file of a bundle: where its bytes are, and what they are said to be.
type File struct {
	Name string
	Size int64
	CRC  uint32
	at   int64 // of the local header
	data io.ReaderAt
}

// Open reads the file's bytes. The checksum is not checked: hashes are.
func (f *File) Open() io.Reader {
	return io.NewSectionReader(f.data, f.at+localSize+int64(len(f.Name)), f.Size)
}

// Bytes gives a file of at most MaxText bytes whole.
func (f *File) Bytes() ([]byte, error) {
	if f.Size > MaxText {
		return nil, malformed("file %s has %d bytes: the limit is %d", f.Name, f.Size, MaxText)
	}
	b := make([]byte, f.Size)
	_, err := io.ReadFull(f.Open(), b)
	return b, err
}

func (f *File) local() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x04034b50)
	b = append(b, zipVersion, 0, 0, 0, 0, 0, 0, 0) // version, flags, method, time
	b = binary.LittleEndian.AppendUint16(b, zipDate)
	b = binary.LittleEndian.AppendUint32(b, f.CRC)
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Size))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Size))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(f.Name)))
	b = append(b, 0, 0)
	return append(b, f.Name...)
}

func (f *File) central() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x02014b50)
	b = append(b, zipVersion, 0, zipVersion, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint16(b, zipDate)
	b = binary.LittleEndian.AppendUint32(b, f.CRC)
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Size))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Size))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(f.Name)))
	b = append(b, make([]byte, 12)...) // extra, comment, disk, attributes
	b = binary.LittleEndian.AppendUint32(b, uint32(f.at))
	return append(b, f.Name...)
}

func tail(files []*File, at int64) []byte {
	var b []byte
	for _, f := range files {
		b = append(b, f.central()...)
	}
	size := len(b)
	b = binary.LittleEndian.AppendUint32(b, 0x06054b50)
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(files)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(files)))
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, uint32(at))
	return append(b, 0, 0)
}

// Read finds the files of a bundle of size bytes. It reads headers alone, and
// refuses any container that Write would write otherwise.
func Read(r io.ReaderAt, size int64) ([]*File, error) {
	if size > MaxBytes {
		return nil, malformed("%d bytes: the limit is %d", size, int64(MaxBytes))
	}
	var files []*File
	at := int64(0)
	for {
		head := make([]byte, localSize)
		if n, _ := r.ReadAt(head, at); n < 4 {
			return nil, malformed("it ends at byte %d, before its directory", at)
		}
		if binary.LittleEndian.Uint32(head) != 0x04034b50 {
			break
		}
		if len(files) >= MaxFiles {
			return nil, malformed("more than %d files", MaxFiles)
		}
		n := int64(binary.LittleEndian.Uint16(head[26:]))
		f := &File{at: at, data: r, CRC: binary.LittleEndian.Uint32(head[14:]), Size: int64(binary.LittleEndian.Uint32(head[18:]))}
		if n > 500 || at+localSize+n+f.Size > size {
			return nil, malformed("file at byte %d goes beyond the end", at)
		}
		full := make([]byte, localSize+n)
		if _, err := r.ReadAt(full, at); err != nil {
			return nil, malformed("header at byte %d: %v", at, err)
		}
		f.Name = string(full[localSize:])
		if !goodName.MatchString(f.Name) {
			return nil, malformed("the name of the file at byte %d is not plain, as events.jsonl is", at)
		}
		if len(files) > 0 && files[len(files)-1].Name >= f.Name {
			return nil, malformed("file %s comes after %s: names ascend, and none comes twice", f.Name, files[len(files)-1].Name)
		}
		if !bytes.Equal(full, f.local()) {
			return nil, malformed("header of %s at byte %d is not as it must be", f.Name, at)
		}
		files = append(files, f)
		at += localSize + n + f.Size
	}
	want := tail(files, at)
	if size-at != int64(len(want)) {
		return nil, malformed("its directory has %d bytes: want %d", size-at, len(want))
	}
	got := make([]byte, len(want))
	if _, err := r.ReadAt(got, at); err != nil && err != io.EOF {
		return nil, malformed("directory: %v", err)
	}
	for i := range got {
		if got[i] != want[i] {
			return nil, malformed("byte %d, in its directory, is not as it must be", at+int64(i))
		}
	}
	return files, nil
}

// Part is a file to be written: open gives its bytes, which are Size long.
type Part struct {
	Name string
	Size int64
	CRC  uint32
	Open func() (io.ReadCloser, error)
}

// BytesPart is a part that is in memory.
func BytesPart(name string, b []byte) Part {
	return Part{name, int64(len(b)), crc32.ChecksumIEEE(b), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

// Size is how many bytes Write writes.
func Size(parts []Part) (n int64) {
	for _, p := range parts {
		n += localSize + centralSize + 2*int64(len(p.Name)) + p.Size
	}
	return n + endSize
}

// Write writes a bundle of parts in ascending order of names.
func Write(w io.Writer, parts []Part) error {
	files := make([]*File, len(parts))
	at := int64(0)
	for i, p := range parts {
		if !goodName.MatchString(p.Name) || i > 0 && parts[i-1].Name >= p.Name {
			return fmt.Errorf("write bundle: file %q after others: want plain names, ascending", p.Name)
		}
		files[i] = &File{Name: p.Name, Size: p.Size, CRC: p.CRC, at: at}
		at += localSize + int64(len(p.Name)) + p.Size
	}
	end := tail(files, at)
	if len(files) > MaxFiles || at+int64(len(end)) > MaxBytes {
		return fmt.Errorf("write bundle: %d files of %d bytes: the limits are %d and %d; export a part of the shipment's packages", len(files), at, MaxFiles, int64(MaxBytes))
	}
	for i, p := range parts {
		if _, err := w.Write(files[i].local()); err != nil {
			return err
		}
		if err := p.copy(w); err != nil {
			return fmt.Errorf("write bundle: file %s: %w", p.Name, err)
		}
	}
	_, err := w.Write(end)
	return err
}

func (p Part) copy(w io.Writer) error {
	in, err := p.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	sum := crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(w, sum), in)
	if err == nil && (n != p.Size || sum.Sum32() != p.CRC) {
		err = fmt.Errorf("has %d bytes with checksum %08x where %d with %08x were announced", n, sum.Sum32(), p.Size, p.CRC)
	}
	return err
}
