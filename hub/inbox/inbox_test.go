package inbox

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
)

// TestTheLastCounts: of one gateway the last State waits, what is put back gives
// way to a newer one, and no more gateways wait than there is room for.
func TestTheLastCounts(t *testing.T) {
	i := New()
	old, now := &pb.State{Version: "1"}, &pb.State{Version: "2"}
	i.Put("a", old)
	i.Put("a", now)
	select {
	case <-i.Rang():
	default:
		t.Error("it did not ring")
	}
	if got := i.Take(); len(got) != 1 || got["a"] != now || len(i.Take()) != 0 {
		t.Errorf("taken %v", got)
	}
	i.Back("a", old)
	if got := i.Take(); got["a"] != old {
		t.Errorf("put back %v", got)
	}
	i.Put("a", now)
	i.Back("a", old)
	if got := i.Take(); got["a"] != now {
		t.Errorf("the older one is %v", got)
	}
	for n := range most + 5 {
		i.Put(fmt.Sprint(n), now)
	}
	i.Put("0", old)
	if got := i.Take(); len(got) != most || got["0"] != old {
		t.Errorf("%d wait", len(got))
	}
}

func TestRead(t *testing.T) {
	payload := func(s *pb.State) []byte {
		b, err := proto.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if s := Read(payload(&pb.State{Online: true, Version: "1"})); s.GetVersion() != "1" {
		t.Errorf("read %v", s)
	}
	for name, b := range map[string][]byte{"a last will": payload(&pb.State{}), "rubbish": []byte("\xff\xff"), "too long": make([]byte, maxState+1)} {
		if Read(b) != nil {
			t.Errorf("%s is taken for a State", name)
		}
	}
}
