package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frostline/edge/agent"
	"frostline/edge/journal"
	"frostline/proto/reading"
)

// call runs a command and gives its exit status and what it printed.
func call(args ...string) (status int, out, errOut string) {
	var o, e bytes.Buffer
	status = run(args, &o, &e)
	return status, o.String(), e.String()
}

func TestJournalCommandsOnADirectory(t *testing.T) {
	data := t.TempDir()
	j, err := journal.Open(agent.JournalDir(data), "van-1", journal.Options{BootID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := j.Series(journal.Series{Sensor: "box", Quantity: reading.Temperature})
	if err != nil {
		t.Fatal(err)
	}
	for tick := range int64(10) {
		if _, err := j.Append(t.Context(), []reading.Reading{{Series: id, Tick: 1000 * tick, Value: 4000}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	look := func(when string) {
		t.Helper()
		for _, where := range [][]string{{"--data", data}, {data}, {agent.JournalDir(data)}} {
			if status, out, e := call(append([]string{"journal", "verify"}, where...)...); status != 0 || !strings.Contains(out, "blocks 1 to 10, 10 of them, 10 readings") {
				t.Errorf("%s: verify %v: status %d\n%s%s", when, where, status, out, e)
			}
		}
		status, out, e := call("journal", "dump", "--data", data, "--from", "3", "--to", "4", "--readings")
		if status != 0 || strings.Count(out, "\n") != 2 || !strings.Contains(out, `"readings":[[0,2000,4000,0]]`) {
			t.Errorf("%s: dump: status %d\n%s%s", when, status, out, e)
		}
	}
	look("beside the agent")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	look("offline")
	status, _, e := call("journal", "export", filepath.Join(data, "x.journal"), "--data", data)
	if status != 1 || !strings.Contains(e, "not enrolled") {
		t.Errorf("export without a key: status %d, %s", status, e)
	}
	if _, err := os.Stat(filepath.Join(data, "x.journal")); err == nil {
		t.Error("export without a key left a file")
	}
}

func TestJournalCommandsOnAFile(t *testing.T) {
	file := filepath.Join("..", "..", "proto", "journalfile", "testdata", "version1.journal")
	if status, out, e := call("journal", "verify", file); status != 0 || !strings.Contains(out, "8 blocks with 24 readings") {
		t.Errorf("verify: status %d\n%s%s", status, out, e)
	}
	if status, out, e := call("journal", "dump", file); status != 0 || strings.Count(out, "\n") != 9 {
		t.Errorf("dump: status %d\n%s%s", status, out, e)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	dropped := filepath.Join(t.TempDir(), "dropped.journal")
	if err := os.WriteFile(dropped, []byte(strings.Join(append(lines[:5:5], lines[6:]...), "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, e := call("journal", "verify", dropped); status != 1 || !strings.Contains(e, "line 6, epoch 1, block 5: block 5 is missing") {
		t.Errorf("verify of a file without block 5: status %d, %s", status, e)
	}
	for _, args := range [][]string{{"journal", "frob"}, {"journal", "verify", "a", "b"}} {
		if status, _, _ := call(args...); status == 0 {
			t.Errorf("%v: status 0", args)
		}
	}
}
