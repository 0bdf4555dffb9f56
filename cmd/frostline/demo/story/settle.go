package story

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// settleWithin bounds the wait for the hub to judge one story.
const settleWithin = time.Minute

// await asks again and again until it holds. why says what is still missing.
func await(ctx context.Context, ask func(context.Context) (why string, err error)) error {
	within, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		why, err := ask(within)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if why == "" && err == nil {
			return nil
		}
		select {
		case <-within.Done():
			if err != nil {
				return err
			}
			return fmt.Errorf("not so after %s: %s; the hub's log may say why", settleWithin, why)
		case <-tick.C:
		}
		if err != nil {
			return err
		}
	}
}

// judged waits until the verdicts that the hub has told of a package are those
// that it makes of all it knows, and until they come to what is expected.
func (t *Teller) judged(ctx context.Context, p plot) error {
	if p.Expect == "" {
		return nil
	}
	path := "/packages/" + url.PathEscape(p.Package)
	return await(ctx, func(ctx context.Context) (string, error) {
		var now struct {
			Closed     string `json:"closed"`
			Judgements []struct {
				Digest  string  `json:"digest"`
				Verdict outcome `json:"verdict"`
			} `json:"judgements"`
		}
		var told struct {
			Items []struct {
				Data struct {
					Digest  string  `json:"digest"`
					Verdict outcome `json:"verdict"`
				} `json:"data"`
			} `json:"items"`
		}
		if err := t.call(ctx, "", "", "GET", path+"/verdict", nil, &now); err != nil {
			return "", err
		}
		if err := t.call(ctx, "", "", "GET", path+"/verdicts?limit=500", nil, &told); err != nil {
			return "", err
		}
		if len(now.Judgements) != 1 || len(told.Items) == 0 {
			return fmt.Sprintf("package %s has %d judgements and %d verdicts, want one and some", p.Package, len(now.Judgements), len(told.Items)), nil
		}
		j, last := now.Judgements[0], told.Items[len(told.Items)-1].Data
		switch {
		case j.Verdict.Outcome != p.Expect, last.Verdict.Outcome != p.Expect:
			return fmt.Sprintf("package %s is %s, and told to be %s: want %s", p.Package, j.Verdict.Outcome, last.Verdict.Outcome, p.Expect), nil
		case now.Closed != "" && last.Digest != j.Digest: // of an open one the newest readings differ
			return fmt.Sprintf("package %s: the verdict that was told is not yet that of all that is known", p.Package), nil
		}
		return "", nil
	})
}

type outcome struct {
	Outcome string `json:"outcome"`
}

// process does what people did about the first case of a kind. Steps that were
// done before an interruption are not done again: the case's state tells.
func (t *Teller) process(ctx context.Context, p plot, d deed) error {
	var c excursion
	find := func(ctx context.Context) (string, error) {
		var list struct {
			Items []excursion `json:"items"`
		}
		if err := t.call(ctx, "", "", "GET", "/excursions?limit=500&package="+url.QueryEscape(p.Package), nil, &list); err != nil {
			return "", err
		}
		for _, x := range list.Items {
			if x.Facts.Kind == d.Kind && !x.Facts.Retracted {
				c = x
				return "", nil
			}
		}
		return fmt.Sprintf("package %s has no case of kind %s among %d", p.Package, d.Kind, len(list.Items)), nil
	}
	if err := await(ctx, find); err != nil {
		return err
	}
	for i, s := range d.Steps {
		if i < order[c.State] {
			continue
		}
		in := map[string]any{}
		for k, v := range s.Body {
			in[k] = v
		}
		if s.Do == "sign" || s.Do == "approve" { // with the password anew, for what is shown
			in["password"], in["content"] = t.keys[s.By].Password, c.Content
		}
		if err := t.call(ctx, s.By, fmt.Sprintf("demo-%d-%s-%s", t.told.Begin, c.ID, s.Do), "POST", "/excursions/"+url.PathEscape(c.ID)+"/"+s.Do, in, &c); err != nil {
			return fmt.Errorf("%s: %w", s.Do, err)
		}
	}
	return nil
}

type excursion struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Content string `json:"content"`
	Facts   struct {
		Kind      string `json:"kind"`
		Retracted bool   `json:"retracted"`
	} `json:"facts"`
}

// order is how many steps of a case's usual way a state has behind it.
var order = map[string]int{"opened": 0, "reopened": 0, "acknowledged": 1, "under_investigation": 2, "proposed": 3, "signed": 4, "approved": 5, "closed": 6}
