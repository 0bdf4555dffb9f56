package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/notify"
)

// Notifications is what the operations on notifications need; *notify.Notifier
// has it.
type Notifications interface {
	List(ctx context.Context, f notify.Filter, after string, limit int) ([]notify.Delivery, error)
	Retry(ctx context.Context, actor, id string) (notify.Delivery, error)
}

// Notification is one message to one recipient.
type Notification struct{ notify.Delivery }

func init() {
	means(notify.ErrNotFound, notFound)
	means(notify.ErrNotFailed, conflict)
}

func registerNotifications(api huma.API, n Notifications) {
	huma.Register(api, tagged(operation(http.MethodGet, "/notifications", "list-notifications", Read, "Say who was told what, and who could not be"), "notifications"),
		func(ctx context.Context, in *struct {
			Paging
			State     string `query:"state" enum:"pending,sent,failed" doc:"In this state."`
			Excursion string `query:"excursion" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"About this excursion."`
		}) (*listReply[Notification], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := n.List(ctx, notify.Filter{State: in.State, About: in.Excursion}, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			all := make([]Notification, 0, len(list))
			for _, d := range list {
				all = append(all, Notification{d})
			}
			return paged(ctx, all, in.Limit, func(d Notification) string { return d.ID }), nil
		})
	huma.Register(api, tagged(operation(http.MethodPost, "/notifications/{id}/retry", "retry-notification", Write, "Try one again that was given up"), "notifications"),
		func(ctx context.Context, in *struct {
			ID string `path:"id" minLength:"36" maxLength:"36" pattern:"^msg_[0-9a-f]{32}$" doc:"Id of the delivery."`
		}) (*struct{ Body Notification }, error) {
			d, err := n.Retry(ctx, Actor(ctx), in.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Notification }{Notification{d}}, nil
		})
}
