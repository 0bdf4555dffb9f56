package policy

import "strings"

// pages are the routes of hub/web, one a line.
var pages = table([]row{
	// What a browser needs to sign in, and what machines ask.
	{Rule{Open: true}, `
		GET /signin
		POST /signin
		POST /signin/code
		POST /signin/enrol
		POST /signin/passkey/begin
		POST /signin/passkey/finish
		GET /signin/provider
		GET /signin/callback
		GET /enter/{secret}
		POST /enter/{secret}
		GET /assets/`},

	// Patients, by a link and what it asks for; see hub/web/patient.
	{Rule{Open: true}, `
		GET /p/{secret}
		POST /p/{secret}
		GET /p/{secret}/live`},
	{Rule{Local: true}.and(Operator, Admin), `
		GET /health
		GET /metrics`},

	// One's own account. Whatever is no page is refused to strangers too, so
	// that they cannot tell.
	{everybody, `
		GET /me
		POST /me/signout
		POST /me/signout/everywhere
		POST /me/password
		POST /me/codes
		POST /me/codes/confirm
		POST /me/codes/remove
		POST /me/passkeys/begin
		POST /me/passkeys/finish
		POST /me/passkeys/remove
		GET /`},

	// Signing by a passkey.
	{quality, `
		POST /me/sign/begin`},

	// Gateways and what they measured.
	{inside, `
		GET /{$}
		GET /sensor/{gateway}/{sensor}
		GET /data/{gateway}/{sensor}/{quantity}
		GET /export/{gateway}/{sensor}/{quantity}
		GET /live`},
	{technical, `
		GET /account`},

	// What happened to packages.
	{inside, `
		GET /view/packages
		GET /view/package/{id}
		GET /view/unit/{id}
		GET /view/excursions
		GET /view/excursions/{id}
		GET /view/excursion/{id}
		GET /view/excursion/{id}/document/{sha}`},
	{quality.and(Pharmacist, Dispatcher, Warehouse, Operator), `
		POST /view/excursion/{id}/acknowledge
		POST /view/excursion/{id}/comment`},
	{quality, `
		POST /view/excursion/{id}/investigate
		POST /view/excursion/{id}/assess
		POST /view/excursion/{id}/propose
		POST /view/excursion/{id}/sign
		POST /view/excursion/{id}/close`},
	{only(Approver), `
		POST /view/excursion/{id}/approve`},
	{technical.and(Pharmacist), `
		POST /view/excursion/{id}/verify
		GET /view/trail/{kind}/{id}
		GET /view/excursion/{id}/report.pdf
		GET /view/shipment/{id}/report.pdf
		GET /view/shipment/{id}/evidence.zip`},

	// Deliveries on their way.
	{transport.and(QA, Approver, Pharmacist, Auditor, Admin), `
		GET /dispatch`},
	{transport, `
		POST /dispatch/{id}/order
		POST /dispatch/{id}/stop
		POST /dispatch/{id}/recall
		POST /dispatch/{id}/message`},

	// Where units came from and went, and the duties under the DSCSA.
	{inside, `
		GET /trace
		GET /trace/ended
		GET /trace/lot
		GET /trace/request/{id}
		GET /trace/suspect/{id}
		GET /trace/exception/{id}
		GET /trace/exception/{id}/{message}`},
	{technical, `
		GET /trace/request/{id}/preview
		GET /trace/request/{id}/package.zip
		GET /trace/suspect/{id}/form-3911`},
	{only(QA, Pharmacist, Operator), `
		POST /trace/requests`},
	{stock.and(QA), `
		POST /trace/exception/{id}/resolve`},
	{quality, `
		POST /trace/request/{id}/answer
		POST /trace/suspects
		POST /trace/suspect/{id}/{step}`},

	// What follows from excursions, and what quality holds.
	{inside, `
		GET /view/sagas
		GET /view/saga/{id}
		GET /view/holds
		GET /view/hold/{id}`},
	{quality, `
		POST /view/saga/{id}/decide
		POST /view/holds/place
		POST /view/hold/{id}/release`},
	{transport.and(QA), `
		POST /view/saga/{id}/stop`},

	// Gateways: who looks after them, and who looks.
	{technical, `
		GET /view/fleet
		GET /view/fleet/{id}
		GET /view/rollouts`},
	{technical, `
		GET /view/log
		GET /view/health`},
	{only(Auditor, Admin), `
		GET /view/audit
		GET /view/audit/records.csv
		GET /view/audit/people.csv
		GET /view/audit/gateways.csv`},
	{gateways, `
		POST /view/fleet/enrol
		POST /view/fleet/{id}/revoke
		POST /view/fleet/{id}/command
		POST /view/fleet/{id}/settings
		POST /view/rollouts/start
		POST /view/rollouts/{id}/pause
		POST /view/rollouts/{id}/resume
		POST /view/rollouts/{id}/abort`},

	// People.
	{only(Auditor, Admin), `
		GET /view/people`},
	{only(Admin), `
		POST /view/people/invite
		POST /view/people/{id}/roles
		POST /view/people/{id}/link
		POST /view/people/{id}/disable
		POST /view/people/{id}/enable
		POST /view/people/{id}/codes`},
}, lines)

func lines(s string) (out []string) {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
