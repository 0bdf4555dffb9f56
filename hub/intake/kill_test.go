package intake

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

var killSeed = flag.Uint64("kill-seed", uint64(time.Now().UnixNano()), "seed of the instants at which the hub is killed")

// childEnv makes the test binary a hub: it takes parcels from standard input,
// commits them to the store that the variable names, and writes Acks to
// standard output, until it is killed.
const childEnv = "FROSTLINE_TEST_INTAKE_STORE"

func TestMain(m *testing.M) {
	if url := os.Getenv(childEnv); url != "" {
		if err := child(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type stdout struct{ mu sync.Mutex }

func (o *stdout) Publish(_ string, _ topic.Lane, payload []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return writeFrame(os.Stdout, payload)
}

func writeFrame(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func child(url string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	db, err := store.Open(context.Background(), url, log)
	if err != nil {
		return err
	}
	d := newDevice("van-1", 1)
	admit := &admission{keys: map[string]ed25519.PublicKey{}, revoked: map[string]bool{}}
	admit.add(d)
	in, err := New(context.Background(), Options{Store: db, Publisher: &stdout{}, Gateways: admit, Log: log})
	if err != nil {
		return err
	}
	go in.Run(context.Background())
	for r := bufio.NewReader(os.Stdin); ; {
		b, err := readFrame(r)
		if err != nil {
			return nil
		}
		in.Handle(Message{Gateway: d.gateway, Lane: topic.Lane(b[1 : 1+b[0]]), Payload: b[1+b[0]:], Received: time.Now()})
	}
}

// TestPromise2KillHub kills a hub that commits, at random instants. What it
// had acknowledged by then is in the store, and in the end each block is there
// once.
func TestPromise2KillHub(t *testing.T) {
	if testing.Short() {
		t.Skip("kills many processes")
	}
	t.Logf("run again with -kill-seed=%d", *killSeed)
	storetest.URLs(t, func(t *testing.T, url string) {
		rng := rand.New(rand.NewPCG(*killSeed, 1))
		d := newDevice("van-1", 1).many(30_000, 4)
		var safe uint64 // acknowledged by any hub so far
		kills, limit := 0, 60
		if url[:8] == "postgres" {
			limit = 15
		}
		for safe < d.last() {
			acked := kill(t, url, d, safe, rng, kills < limit)
			kills++
			db := storetest.Open(t, url)
			if err := checkAck(db, d, &pb.Ack{Committed: acked}); err != nil {
				t.Fatalf("after kill %d: %v", kills, err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			safe = max(safe, acked)
		}
		t.Logf("%d kills", kills)
		w := newSite(t, storetest.Open(t, url), setup{}, d)
		whole(t, w, d)
	})
}

// kill runs a hub, sends it what is not safe yet, and kills it after a while,
// or when all is committed. It returns the highest block acknowledged.
func kill(t *testing.T, url string, d *device, safe uint64, rng *rand.Rand, early bool) uint64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+url)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	started := make(chan struct{})
	finished := make(chan uint64, 1)
	go func() {
		top := safe
		began := sync.OnceFunc(func() { close(started) })
		defer began()
		for r := bufio.NewReader(out); ; {
			b, err := readFrame(r)
			if err != nil {
				finished <- top
				return
			}
			var a pb.Ack
			if proto.Unmarshal(b, &a) != nil {
				continue
			}
			began()
			if top = max(top, a.Committed); top == d.last() {
				finished <- top
				return
			}
		}
	}()
	cuts := rand.New(rand.NewPCG(rng.Uint64(), 2))
	go func() {
		send := func(lane topic.Lane, payload []byte) bool {
			head := append([]byte{byte(len(lane))}, lane...)
			return writeFrame(in, append(head, payload...)) == nil
		}
		for n := safe + 1; n <= d.last(); {
			last := min(n+uint64(cuts.IntN(12)), d.last())
			if !send(topic.Backlog, d.parcel(n, last)) {
				return
			}
			if cuts.IntN(6) == 0 && !send(topic.Live, d.parcel(last, last)) {
				return
			}
			n = last + 1
		}
	}()
	if early {
		if rng.IntN(5) > 0 { // else it may die while it starts
			<-started
		}
		select {
		case top := <-finished:
			return top
		case <-time.After(time.Duration(rng.Int64N(int64(25 * time.Millisecond)))):
		}
		cmd.Process.Kill()
		return <-finished
	}
	select {
	case top := <-finished:
		return top
	case <-time.After(time.Minute):
		t.Fatal("the hub did not commit all")
		return 0
	}
}
