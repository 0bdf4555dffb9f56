package relay

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"frostline/hub/event"
)

// typePrefix comes before an event's type in CloudEvents.
const typePrefix = "org.frostline."

// CloudEvent gives an event as CloudEvents 1.0 has it: its id, its type after
// "org.frostline.", its stream as subject, the time it was recorded, its data
// as they are, and as extension its position in the log, in decimal digits.
func CloudEvent(e event.Event, source string) (cloudevents.Event, error) {
	c := cloudevents.New(cloudevents.CloudEventsVersionV1)
	c.SetID(e.ID)
	c.SetSource(source)
	c.SetType(typePrefix + e.Type)
	c.SetSubject(e.Stream)
	c.SetTime(time.UnixMilli(e.At).UTC())
	c.SetDataSchema(fmt.Sprintf("urn:frostline:schema:%s:%d", e.Type, e.Schema))
	c.SetExtension("position", strconv.FormatInt(e.Position, 10))
	if err := c.SetData(cloudevents.ApplicationJSON, e.Data); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// Message gives an event as it is published: a CloudEvent in the structured
// mode of the protocol binding for NATS.
func Message(e event.Event, source string) (*nats.Msg, error) {
	c, err := CloudEvent(e, source)
	if err != nil {
		return nil, fmt.Errorf("event at position %d as cloud event: %w", e.Position, err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("event at position %d as cloud event: %w", e.Position, err)
	}
	m := nats.NewMsg(root + e.Type)
	m.Header.Set("Content-Type", cloudevents.ApplicationCloudEventsJSON)
	m.Data = body
	return m, nil
}
