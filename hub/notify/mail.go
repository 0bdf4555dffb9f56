package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/wneessen/go-mail"

	"frostline/hub/durable"
)

// mailer sends e-mail, a connection for each. It is safe for concurrent use.
type mailer struct {
	config   SMTP
	password string
	tls      *tls.Config
}

func newMailer(c SMTP) (*mailer, error) {
	m := &mailer{config: c}
	var err error
	if c.PasswordFile != "" {
		if m.password, err = durable.ReadSecret(c.PasswordFile); err != nil {
			return nil, fmt.Errorf("password-file: %w", err)
		}
	}
	m.tls, err = tlsConfig(c.Host, c.CAFile)
	return m, err
}

func (m *mailer) client() (*mail.Client, error) {
	opts := []mail.Option{mail.WithPort(m.config.Port), mail.WithTimeout(m.config.Timeout), mail.WithTLSConfig(m.tls.Clone()), mail.WithoutNoop(), mail.WithoutRset()}
	switch m.config.Security {
	case "tls":
		opts = append(opts, mail.WithSSL())
	case "starttls":
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	}
	if m.config.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.config.User), mail.WithPassword(m.password))
	}
	return mail.NewClient(m.config.Host, opts...)
}

// send gives nil when the server has taken the message.
func (m *mailer) send(ctx context.Context, d Delivery) error {
	msg := mail.NewMsg()
	if err := msg.FromFormat("Frostline", m.config.From); err != nil {
		return refusal{fmt.Errorf("from: %w", err)}
	}
	if err := msg.To(d.Address); err != nil {
		return refusal{fmt.Errorf("to: %w", err)}
	}
	_, domain, _ := strings.Cut(m.config.From, "@")
	msg.SetMessageIDWithValue(d.ID + "@" + domain)
	if d.ReplyTo != "" {
		first := "<" + d.ReplyTo + "@" + domain + ">"
		msg.SetGenHeader("In-Reply-To", first)
		msg.SetGenHeader("References", first)
	}
	msg.SetDate()
	msg.Subject(d.Subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answer by a machine
	msg.SetBodyString(mail.TypeTextPlain, d.Body)

	ctx, cancel := context.WithTimeout(ctx, m.config.Timeout)
	defer cancel()
	client, err := m.client()
	if err != nil {
		return fmt.Errorf("prepare e-mail: %w", err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("connect to %s:%d: %w", m.config.Host, m.config.Port, err)
	}
	// A server that hangs would hold up the end of the hub until Timeout.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	err = client.SendWithSMTPClient(conn, msg)
	_ = client.CloseWithSMTPClient(conn) // what the server has taken, it has taken
	if msg.IsDelivered() {
		return nil
	}
	var s *mail.SendError
	if errors.As(err, &s) && !s.IsTemp() && s.ErrorCode() >= 500 && s.ErrorCode() < 600 {
		return refusal{fmt.Errorf("send e-mail: %w", err)}
	}
	if err == nil {
		err = errors.New("the server did not say that it took the message")
	}
	return fmt.Errorf("send e-mail: %w", err)
}
