package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"frostline/proto/simbus"
)

// Client steers a board over its socket. It is not safe for concurrent use.
type Client struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

// Dial connects to a board: network "unix" or "tcp".
func Dial(ctx context.Context, network, address string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connect to board at %s (is firmware-sim running?): %w", address, err)
	}
	c := &Client{address: address, conn: conn, in: bufio.NewReaderSize(conn, MaxLine)}
	if err := c.open(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open control of board at %s: %w", address, err)
	}
	return c, nil
}

func (c *Client) open(ctx context.Context) error {
	defer c.obey(ctx)()
	if err := simbus.WriteFrame(c.conn, []byte(Bus)); err != nil {
		return err
	}
	answer, err := simbus.ReadFrame(c.in)
	if err != nil {
		return err
	}
	if len(answer) == 0 || simbus.Status(answer[0]) != simbus.StatusOK {
		return fmt.Errorf("refused: %s", answer[min(1, len(answer)):])
	}
	return nil
}

// obey makes the connection follow the context until the returned function is
// called.
func (c *Client) obey(ctx context.Context) func() {
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.conn.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if stop() {
			_ = c.conn.SetDeadline(time.Time{})
		}
	}
}

// Do sends a request and waits for its response. A response that says no is an
// error.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return Response{}, fmt.Errorf("encode control request: %w", err)
	}
	defer c.obey(ctx)()
	var response Response
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		return response, fmt.Errorf("board at %s, %s: %w", c.address, r.Op, err)
	}
	answer, err := c.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = fmt.Errorf("response longer than %d bytes", MaxLine)
	}
	if err != nil {
		return response, fmt.Errorf("board at %s, %s: %w", c.address, r.Op, err)
	}
	if err := json.Unmarshal(answer, &response); err != nil {
		return response, fmt.Errorf("board at %s, %s: decode response: %w", c.address, r.Op, err)
	}
	if !response.OK {
		return response, fmt.Errorf("board at %s, %s: %s", c.address, r.Op, response.Error)
	}
	return response, nil
}

// Status gives everything there is to see of the board.
func (c *Client) Status(ctx context.Context) (Status, error) {
	r, err := c.Do(ctx, Request{Op: "status"})
	if err == nil && r.Status == nil {
		err = fmt.Errorf("board at %s, status: empty response", c.address)
	}
	if err != nil {
		return Status{}, err
	}
	return *r.Status, nil
}

// Fault makes something go wrong with a device or object, or right again with
// the fault "none". A nil value means the usual one.
func (c *Client) Fault(ctx context.Context, device, fault string, value *float64) error {
	_, err := c.Do(ctx, Request{Op: "fault", Device: device, Fault: fault, Value: value})
	return err
}

// Drive stops the clock at utc, from now on called toMs.
func (c *Client) Drive(ctx context.Context, utc time.Time, toMs int64) error {
	ms := utc.UnixMilli()
	_, err := c.Do(ctx, Request{Op: "clock", Mode: "driven", UTCms: &ms, ToMs: &toMs})
	return err
}

// Advance moves a driven clock on.
func (c *Client) Advance(ctx context.Context, toMs int64) error {
	_, err := c.Do(ctx, Request{Op: "advance", ToMs: &toMs})
	return err
}

// Run lets the clock run by itself, at the present UTC.
func (c *Client) Run(ctx context.Context, speed float64) error {
	_, err := c.Do(ctx, Request{Op: "clock", Mode: "real", Speed: speed})
	return err
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }
