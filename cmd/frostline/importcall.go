package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/term"

	"frostline/hub/api"
	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/dispatch/manifest"
	"frostline/hub/fact"
)

// importCall is one import over the hub's socket.
type importCall struct {
	socket string
	flags  *importFlags
	kind   fact.Kind
	path   string // below /imports/
	format sheet.Format
	data   []byte
	note   io.Writer // takes how far it is
}

// importWithin is longer than the hub takes for the largest file.
const importWithin = 3 * time.Minute

// do sends the file. An error means that there is no report; whether the
// import was done is then not known, and it may be sent again.
func (i *importCall) do(ctx context.Context) (report catalog.ImportReport, err error) {
	ctx, cancel := context.WithTimeout(ctx, importWithin)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", i.socket)
	}}}
	defer client.CloseIdleConnections()
	watch, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); i.watch(watch, client) }()
	defer func() { stop(); <-watched }()

	q := url.Values{"separator": {i.flags.separator}, "reason": {i.flags.reason}}
	if i.flags.dryRun {
		q.Set("dryRun", "true")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://hub/imports/"+i.path+"?"+q.Encode(), bytes.NewReader(i.data))
	if err != nil {
		return report, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	switch {
	case i.format == sheet.CSV:
		req.Header.Set("Content-Type", "text/csv")
	case i.format == manifest.YAML:
		req.Header.Set("Content-Type", "application/yaml")
	case i.kind == dispatched:
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return report, fmt.Errorf("send the file to the hub: %w; the same import can be sent again", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return report, fmt.Errorf("read the hub's report: %w; the same import can be sent again", err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &report); err != nil {
			return report, fmt.Errorf("read the hub's report: %w", err)
		}
		return report, nil
	}
	var problem struct {
		api.Problem
		Report *catalog.ImportReport `json:"report"`
	}
	problem.Status, problem.Title = resp.StatusCode, http.StatusText(resp.StatusCode)
	if err := json.Unmarshal(body, &problem); err != nil || problem.Report == nil {
		return report, &problem.Problem
	}
	return *problem.Report, nil
}

// watch tells how far the import is: on a terminal in one line that changes,
// elsewhere in a line each ten seconds.
func (i *importCall) watch(ctx context.Context, client *http.Client) {
	every, end := 10*time.Second, "\n"
	if f, ok := i.note.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		every, end = 500*time.Millisecond, "\r"
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	told := false
	for {
		select {
		case <-ctx.Done():
			if told && end == "\r" {
				fmt.Fprintf(i.note, "%60s\r", "")
			}
			return
		case <-tick.C:
		}
		if u := i.underway(ctx, client); u != nil && u.Total > 0 {
			verb := map[string]string{"check": "checking", "write": "writing"}[u.Phase]
			fmt.Fprintf(i.note, "%-60s%s", fmt.Sprintf("%s %s: %d %%", verb, u.Kind, 100*u.Done/u.Total), end)
			told = true
		}
	}
}

// underway finds this import among those of the hub; nil where it cannot be
// told.
func (i *importCall) underway(ctx context.Context, client *http.Client) *catalog.Underway {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://hub/imports", nil)
	if err != nil {
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var list struct {
		Items []catalog.Underway `json:"items"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&list) != nil {
		return nil
	}
	actor := fmt.Sprintf("os/%d", os.Getuid())
	for _, u := range list.Items {
		if u.Actor == actor && (u.Kind == i.kind.Plural() || u.Kind == string(i.kind)) {
			return &u
		}
	}
	return nil
}
