package rest

import (
	"context"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch/carrier"
)

// Carriers is what the operations on partner carriers need; *carrier.Desk has
// it.
type Carriers interface {
	Partners(ctx context.Context) ([]carrier.Partner, error)
	Messages(ctx context.Context, name, state string, after int64, limit int) ([]carrier.Message, error)
	Message(ctx context.Context, name string, number int64) (carrier.Message, []byte, error)
	Retry(ctx context.Context, actor, reason, name string, number int64) (carrier.Message, error)
	Drop(ctx context.Context, actor, reason, name string, number int64) (carrier.Message, error)
	Calls(ctx context.Context, name, state string, after int64, limit int) ([]carrier.Call, error)
	CallAgain(ctx context.Context, actor, reason, name, id string) (carrier.Call, error)
	DropCall(ctx context.Context, actor, reason, name, id string) (carrier.Call, error)
}

// CarrierPath names a partner.
type CarrierPath struct {
	Carrier string `path:"carrier" minLength:"1" maxLength:"40" pattern:"^[a-z0-9][a-z0-9-]*$" doc:"Name of the partner in its mapping file."`
}

// CarrierMessagePath names a message of a partner.
type CarrierMessagePath struct {
	CarrierPath
	Number int64 `path:"number" minimum:"1" maximum:"9007199254740991" doc:"Of the message."`
}

// CarrierCallPath names a call to a partner.
type CarrierCallPath struct {
	CarrierPath
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the call."`
}

// CarrierMessage is a message with its text.
type CarrierMessage struct {
	carrier.Message
	Text string `json:"text,omitempty" doc:"As it came; absent once it was removed. It may name a recipient."`
}

type carrierMessageReply struct{ Body carrier.Message }
type carrierCallReply struct{ Body carrier.Call }

func registerCarriers(api huma.API, c Carriers) {
	op := inTag("carriers")
	huma.Register(api, op(http.MethodGet, "/carriers", "list-carriers", Read, "Tell how the exchange with partner carriers is doing"),
		func(ctx context.Context, _ *struct{}) (*listReply[carrier.Partner], error) {
			all, err := c.Partners(ctx)
			if err != nil {
				return nil, err
			}
			return &listReply[carrier.Partner]{List[carrier.Partner]{Items: all}}, nil
		})
	huma.Register(api, op(http.MethodGet, "/carriers/{carrier}/messages", "list-carrier-messages", Read, "List what a partner has sent, without the texts"),
		func(ctx context.Context, in *struct {
			CarrierPath
			Paging
			State string `query:"state" enum:"due,done,aside,dropped" doc:"In this state; aside are those that a person has to look at."`
		}) (*listReply[carrier.Message], error) {
			after, err := number(in.after(ctx))
			if err != nil {
				return nil, err
			}
			list, err := c.Messages(ctx, in.Carrier, in.State, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(m carrier.Message) string { return strconv.FormatInt(m.Number, 10) }), nil
		})
	huma.Register(api, op(http.MethodGet, "/carriers/{carrier}/messages/{number}", "get-carrier-message", Write, "Give a message of a partner with its text, which may name a recipient"),
		func(ctx context.Context, in *CarrierMessagePath) (*struct{ Body CarrierMessage }, error) {
			m, text, err := c.Message(ctx, in.Carrier, in.Number)
			out := CarrierMessage{Message: m, Text: string(text)}
			if !utf8.Valid(text) {
				out.Text = strconv.QuoteToASCII(string(text))
			}
			return &struct{ Body CarrierMessage }{out}, err
		})
	huma.Register(api, op(http.MethodPost, "/carriers/{carrier}/messages/{number}/retry", "retry-carrier-message", Write, "Work a message in again that was set aside"),
		func(ctx context.Context, in *struct {
			CarrierMessagePath
			Because
		}) (*carrierMessageReply, error) {
			m, err := c.Retry(ctx, Actor(ctx), in.Reason, in.Carrier, in.Number)
			return &carrierMessageReply{m}, err
		})
	huma.Register(api, op(http.MethodPost, "/carriers/{carrier}/messages/{number}/drop", "drop-carrier-message", Write, "Say that a message which was set aside does not count"),
		func(ctx context.Context, in *struct {
			CarrierMessagePath
			BecauseOf
		}) (*carrierMessageReply, error) {
			m, err := c.Drop(ctx, Actor(ctx), in.Reason, in.Carrier, in.Number)
			return &carrierMessageReply{m}, err
		})
	huma.Register(api, op(http.MethodGet, "/carriers/{carrier}/calls", "list-carrier-calls", Read, "List what a partner was told or is to be told: bookings, and what becomes of tasks"),
		func(ctx context.Context, in *struct {
			CarrierPath
			Paging
			State string `query:"state" enum:"due,done,failed,withdrawn" doc:"In this state; failed are those that a person has to look at."`
		}) (*listReply[carrier.Call], error) {
			after, err := number(in.after(ctx))
			if err != nil {
				return nil, err
			}
			list, err := c.Calls(ctx, in.Carrier, in.State, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(m carrier.Call) string { return strconv.FormatInt(m.Number, 10) }), nil
		})
	huma.Register(api, op(http.MethodPost, "/carriers/{carrier}/calls/{id}/retry", "retry-carrier-call", Write, "Make a call again that was given up"),
		func(ctx context.Context, in *struct {
			CarrierCallPath
			Because
		}) (*carrierCallReply, error) {
			v, err := c.CallAgain(ctx, Actor(ctx), in.Reason, in.Carrier, in.ID)
			return &carrierCallReply{v}, err
		})
	huma.Register(api, op(http.MethodPost, "/carriers/{carrier}/calls/{id}/drop", "drop-carrier-call", Write, "Say that a call which was given up need not be made"),
		func(ctx context.Context, in *struct {
			CarrierCallPath
			BecauseOf
		}) (*carrierCallReply, error) {
			v, err := c.DropCall(ctx, Actor(ctx), in.Reason, in.Carrier, in.ID)
			return &carrierCallReply{v}, err
		})
}
