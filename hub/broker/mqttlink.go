package broker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"frostline/proto/topic"
)

// mqttLink is one connection of the hub to an MQTT broker, made again for ever.
type mqttLink struct {
	owner  *MQTT
	id     string
	lanes  []topic.Lane
	client atomic.Pointer[mqtt.Client] // nil unless connected and subscribed
}

// run keeps the connection until ctx ends.
func (l *mqttLink) run(ctx context.Context) {
	for attempt := 1; ; attempt++ {
		began := time.Now()
		err := l.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		l.owner.failed(l, err)
		if time.Since(began) > backoffCap { // it did work for a while
			attempt = 1
		}
		select {
		case <-time.After(backoff(attempt)):
		case <-ctx.Done():
			return
		}
	}
}

// serve connects, subscribes and stays until the connection is lost.
func (l *mqttLink) serve(ctx context.Context) error {
	lost := make(chan error, 1)
	o := l.owner.options(l.id).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			l.owner.in.deliver(m.Topic(), m.Payload(), m.Retained())
		}).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	client := mqtt.NewClient(o)
	defer client.Disconnect(quiesce)
	if err := wait(ctx, client.Connect(), "connect"); err != nil {
		return err
	}
	filters := map[string]byte{}
	for _, lane := range l.lanes {
		filters[topic.MQTT("+", lane)] = 0
	}
	t := client.SubscribeMultiple(filters, nil)
	if err := wait(ctx, t, "subscribe"); err != nil {
		return err
	}
	for filter, code := range t.(*mqtt.SubscribeToken).Result() {
		if code > 2 {
			return fmt.Errorf("subscribe: the broker refuses %s: check the hub's access rights", filter)
		}
	}
	l.client.Store(&client)
	l.owner.up()
	defer func() {
		l.client.Store(nil)
		l.owner.down(ctx.Err() == nil)
	}()
	select {
	case err := <-lost:
		return fmt.Errorf("connection lost: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func wait(ctx context.Context, t mqtt.Token, doing string) error {
	timeout := time.NewTimer(connectTimeout + 5*time.Second)
	defer timeout.Stop()
	select {
	case <-t.Done():
		if err := t.Error(); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return nil
	case <-timeout.C:
		return errors.New(doing + ": the broker does not answer")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// up notes that one more connection serves; both together are connected.
func (m *MQTT) up() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.connects++
	if m.fast.client.Load() == nil || m.bulk.client.Load() == nil || m.connected {
		return
	}
	m.connected, m.since = true, time.Now()
	m.log.Info("broker connected", "address", m.config.URL)
	select {
	case <-m.ready:
	default:
		close(m.ready)
	}
}

// down notes that a connection has ended; lost says that it should not have.
func (m *MQTT) down(lost bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.connected {
		m.connected, m.since = false, time.Now()
		if lost {
			m.log.Warn("broker disconnected", "address", m.config.URL)
		}
	}
}

func (m *MQTT) failed(l *mqttLink, err error) {
	m.complaints.Add(1)
	m.mu.Lock()
	m.lastError = err.Error()
	m.mu.Unlock()
	if n, ok := m.in.notice.allow("link " + clip(err.Error())); ok {
		m.log.Warn("broker connection", "address", m.config.URL, "client", l.id, "error", err, "since_last", n)
	}
}
