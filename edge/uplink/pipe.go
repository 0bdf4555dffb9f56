package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
	"frostline/proto/topic"
)

// frame is one message to be written.
type frame struct {
	lane     topic.Lane
	qos      byte
	retained bool
	payload  []byte
}

// written tells that a frame has been handed to the network.
type written struct {
	lane  topic.Lane
	token mqtt.Token
	err   error
}

// pipe is one MQTT connection, subscribed.
type pipe struct {
	gateway string
	link    *link
	client  mqtt.Client
	frames  chan frame   // capacity 1; closed to end the writer
	written chan written // capacity 1; one for each frame
}

// mqttWrite bounds how long the MQTT client may wait for its own writer. It is
// reached only where the link ends at that very moment.
const mqttWrite = 5 * time.Second

// connect opens a pipe within the time that ctx leaves. receive is called from
// one goroutine at a time and must not wait.
func connect(ctx context.Context, c *Config, will []byte, total *traffic, receive func(topic string, payload []byte)) (*pipe, error) {
	l, err := dial(ctx, c.Address, c.TLS, c.Timing, total)
	if err != nil {
		return nil, err
	}
	release := context.AfterFunc(ctx, func() { l.fail(context.Cause(ctx)) })
	p := &pipe{gateway: c.Gateway, link: l, frames: make(chan frame, 1), written: make(chan written, 1)}
	o := mqtt.NewClientOptions().
		AddBroker("tcp://"+c.Address). // only named; the link is open already
		SetClientID(c.Gateway).SetProtocolVersion(4).SetCleanSession(true).SetStore(mqtt.NewMemoryStore()).
		SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(c.Timing.Connect).
		SetKeepAlive(c.Timing.KeepAlive).SetPingTimeout(c.Timing.Ping).SetWriteTimeout(mqttWrite).
		SetBinaryWill(topic.MQTT(c.Gateway, topic.State), will, 1, true).
		SetOrderMatters(true).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { receive(m.Topic(), m.Payload()) }).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { l.fail(err) }).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return l, nil })
	p.client = mqtt.NewClient(o)
	if err := p.await(p.client.Connect()); err != nil {
		l.fail(err)
		return nil, fmt.Errorf("agree on MQTT: %w", err)
	}
	if err := p.subscribe(); err != nil {
		p.close(err)
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	if !release() { // ctx has just ended
		p.close(context.Cause(ctx))
		return nil, context.Cause(ctx)
	}
	return p, nil
}

// await waits for a token, or for the link to end.
func (p *pipe) await(t mqtt.Token) error {
	select {
	case <-t.Done():
	case <-p.link.done:
		if !errors.Is(p.link.cause, errGivenUp) {
			return p.link.cause
		}
		// The client closes a link before it tells that, and why, the broker
		// has refused it.
		if !t.WaitTimeout(mqttWrite) {
			return p.link.cause
		}
	}
	if err := t.Error(); err != nil && p.link.ended() && !errors.Is(p.link.cause, errGivenUp) {
		return p.link.cause
	}
	return t.Error()
}

// refusedSubscription is the return code of a SUBACK for a topic that the
// broker does not let this client read.
const refusedSubscription = 0x80

func (p *pipe) subscribe() error {
	want := map[string]byte{}
	for _, lane := range topic.Down {
		want[topic.MQTT(p.gateway, lane)] = 1
	}
	want[topic.MQTT(p.gateway, topic.Ack)] = 0
	t := p.client.SubscribeMultiple(want, nil)
	if err := p.await(t); err != nil {
		return err
	}
	for name, code := range t.(*mqtt.SubscribeToken).Result() {
		if code == refusedSubscription {
			return fmt.Errorf("the hub does not let this gateway read %s", name)
		}
	}
	return nil
}

// write hands frames to the network one by one until frames is closed. What it
// reports is not delivery: only that the network has taken the bytes, so that
// the next frame is chosen no earlier than it can go.
func (p *pipe) write(patience time.Duration) {
	for f := range p.frames {
		t := p.client.Publish(topic.MQTT(p.gateway, f.lane), f.qos, f.retained, f.payload)
		res := written{lane: f.lane, token: t}
		if f.qos == 0 {
			late := time.AfterFunc(patience, func() { p.link.fail(fmt.Errorf("the network took nothing for %v", patience)) })
			res.err = p.await(t)
			late.Stop()
		}
		if res.err != nil {
			p.link.fail(res.err)
		}
		p.written <- res
	}
}

// close ends the connection at once, and the MQTT client's goroutines.
func (p *pipe) close(cause error) {
	if cause == nil {
		cause = errors.New("closed")
	}
	p.link.fail(cause)
	p.client.Disconnect(disconnectWait)
}

// disconnectWait is how long the MQTT client may take to stop, in milliseconds.
const disconnectWait = 1000

// goodbye says that the gateway goes offline of its own will, so that the hub
// need not wait for its silence.
func (p *pipe) goodbye(offline *pb.State, patience time.Duration) error {
	payload, err := proto.Marshal(offline)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	late := time.AfterFunc(patience, func() { p.link.fail(fmt.Errorf("the hub took no leave within %v", patience)) })
	defer late.Stop()
	return p.await(p.client.Publish(topic.MQTT(p.gateway, topic.State), 1, true, payload))
}
