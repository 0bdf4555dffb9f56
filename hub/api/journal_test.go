package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/intake"
)

// taker does what a test tells it.
type taker func(ctx context.Context, file io.Reader, progress func(intake.Haul)) (intake.Haul, error)

func (f taker) TakeIn(ctx context.Context, file io.Reader, progress func(intake.Haul)) (intake.Haul, error) {
	return f(ctx, file, progress)
}

func serveHauls(t *testing.T, f taker) (c *Client, stop func()) {
	t.Helper()
	b := &backend{}
	socket := filepath.Join(short(t), "hub", "frostline.sock")
	s, err := New(Config{Socket: socket, Fleet: b, History: b, Feed: b, Access: b, Authority: b, Journals: f, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = func() {
		if cancel(); done != nil {
			<-done
		}
		done = nil
	}
	t.Cleanup(stop)
	<-s.Ready()
	return NewClient(socket), stop
}

// A file is longer than any other body may be, and progress comes while it is
// still being sent.
func TestHaulIsStreamed(t *testing.T) {
	const size = 64 << 20
	c, _ := serveHauls(t, func(_ context.Context, file io.Reader, progress func(intake.Haul)) (intake.Haul, error) {
		buf := make([]byte, 1<<20)
		if _, err := io.ReadFull(file, buf); err != nil {
			return intake.Haul{}, err
		}
		progress(intake.Haul{Gateway: "van-1", Bytes: uint64(len(buf)), Blocks: 1})
		n, err := io.Copy(io.Discard, file)
		return intake.Haul{Gateway: "van-1", Bytes: uint64(n) + uint64(len(buf)), Whole: true}, err
	})
	r, w := io.Pipe()
	told := make(chan struct{})
	go func() {
		part := make([]byte, 1<<20)
		for n := 0; n < size; n += len(part) {
			if n == 2*len(part) {
				<-told
			}
			if _, err := w.Write(part); err != nil {
				return
			}
		}
		w.Close()
	}()
	l, err := c.Haul(t.Context(), r, func(l HaulLine) {
		if l.Blocks == 1 {
			close(told)
		}
	})
	if err != nil || l.Bytes != size || !l.Whole || l.Error != "" {
		t.Errorf("got %+v, %v; want all %d bytes", l, err, size)
	}
}

func TestHaulSaysWhyNot(t *testing.T) {
	c, _ := serveHauls(t, func(context.Context, io.Reader, func(intake.Haul)) (intake.Haul, error) {
		return intake.Haul{Gateway: "van-1", Blocks: 7}, errors.New("line 9 was edited")
	})
	l, err := c.Haul(t.Context(), bytes.NewReader(nil), func(HaulLine) {})
	if err != nil || l.Error != "line 9 was edited" || l.Blocks != 7 {
		t.Errorf("got %+v, %v; want the reason, and how far it came", l, err)
	}
}

// A hub that stops does not wait for a file that is being sent slowly.
func TestHaulEndsWithTheHub(t *testing.T) {
	began := make(chan struct{})
	c, stop := serveHauls(t, func(ctx context.Context, file io.Reader, _ func(intake.Haul)) (intake.Haul, error) {
		close(began)
		_, err := io.ReadAll(file)
		return intake.Haul{}, errors.Join(err, context.Cause(ctx))
	})
	r, w := io.Pipe()
	defer w.Close()
	ended := make(chan error, 1)
	go func() {
		l, err := c.Haul(context.Background(), r, func(HaulLine) {})
		if err == nil && l.Error != "" {
			err = errors.New(l.Error)
		}
		ended <- err
	}()
	<-began
	stop()
	w.Close()
	if err := <-ended; err == nil {
		t.Error("an import that was cut short is no error")
	}
}

func TestOnlyAFewHaulsAtATime(t *testing.T) {
	hold, began := make(chan struct{}), make(chan struct{}, maxHauls)
	c, _ := serveHauls(t, func(context.Context, io.Reader, func(intake.Haul)) (intake.Haul, error) {
		began <- struct{}{}
		<-hold
		return intake.Haul{Whole: true}, nil
	})
	ended := make(chan error, maxHauls)
	for range maxHauls {
		go func() {
			_, err := c.Haul(context.Background(), strings.NewReader("x"), func(HaulLine) {})
			ended <- err
		}()
		<-began
	}
	var p *Problem
	if _, err := c.Haul(t.Context(), strings.NewReader("x"), func(HaulLine) {}); !errors.As(err, &p) || p.Status != 503 {
		t.Errorf("got %v, want a problem of status 503", err)
	}
	close(hold)
	for range maxHauls {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
