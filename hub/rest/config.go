package rest

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"frostline/hub/people"
	"frostline/hub/policy"
	"frostline/hub/store"
)

// Tokens tells who a bearer token speaks for.
type Tokens interface {
	// Caller gives who a token speaks for and what they may do now. ok is false
	// where the token is unknown, expired or revoked, or its person disabled; an
	// error means that it could not be found out.
	Caller(ctx context.Context, token string) (c people.Caller, ok bool, err error)
}

// Sessions tells who is signed in at the pages.
type Sessions interface {
	// Signed gives who a request from a page is made by. ok is false where nobody
	// is signed in.
	Signed(r *http.Request) (c people.Caller, ok bool, err error)
}

// Config is what an API needs. A context that is nil is not mounted: its paths
// are not there, nor in the document.
type Config struct {
	Store  *store.DB // required: idempotency records and the key of page tokens
	Tokens Tokens    // required
	// Sessions lets pages call by the cookie of who is signed in, and not from
	// another origin. nil: programs alone, with tokens.
	Sessions Sessions
	Log      *slog.Logger
	Version  string           // of the hub, told in the document
	Now      func() time.Time // default time.Now
	// Metrics takes the counters; nil for none.
	Metrics prometheus.Registerer

	People        People
	Catalog       Catalog
	Orders        Orders
	Custody       Custody
	Excursions    Excursions
	Notifications Notifications
	Verdicts      Verdicts
	Evidence      Evidence
	EvidenceLog   EvidenceLog
	Reports       Reports
	Provenance    Provenances
	Desired       Desired
	Rollouts      Rollouts
	Dispatch      Dispatch
	Risks         Risks
	Proposals     Proposals
	Progress      Progress
	Links         Links
	GatewayScans  GatewayScans
	Sagas         Sagas
	Holds         Holds
	Carriers      Carriers
	DSCSA         DSCSA
	Proofs        Proofs
	Assets        Assets
	Footprints    Footprints
	Receipts      Receipts

	also  func(huma.API)         // operations of tests
	rules map[string]policy.Rule // of those
}

// rule gives who may use an operation.
func (cfg *Config) rule(id string) (policy.Rule, bool) {
	if r, ok := cfg.rules[id]; ok {
		return r, true
	}
	return policy.Call(id)
}

// register mounts the contexts.
func (cfg *Config) register(api huma.API) {
	if cfg.People != nil {
		registerPeople(api, cfg.People)
	}
	if cfg.also != nil {
		cfg.also(api)
	}
	if cfg.Catalog != nil {
		registerCatalog(api, cfg.Catalog)
	}
	if cfg.Orders != nil {
		registerOrders(api, cfg.Orders)
	}
	if cfg.Custody != nil {
		registerCustody(api, cfg.Custody)
	}
	if cfg.Excursions != nil {
		registerExcursions(api, cfg.Excursions)
	}
	if cfg.Notifications != nil {
		registerNotifications(api, cfg.Notifications)
	}
	if cfg.Verdicts != nil {
		registerVerdicts(api, cfg.Verdicts)
	}
	if cfg.Evidence != nil {
		registerEvidence(api, cfg.Evidence)
	}
	if cfg.EvidenceLog != nil {
		registerLog(api, cfg.EvidenceLog)
	}
	if cfg.Reports != nil {
		registerReports(api, cfg.Reports)
	}
	if cfg.Provenance != nil {
		registerProvenance(api, cfg.Provenance)
	}
	if cfg.Desired != nil {
		registerDesired(api, cfg.Desired)
	}
	if cfg.Rollouts != nil {
		registerRollouts(api, cfg.Rollouts)
	}
	if cfg.Dispatch != nil {
		registerDispatch(api, cfg.Dispatch)
	}
	if cfg.Dispatch != nil && cfg.Progress != nil {
		registerProgress(api, cfg.Dispatch, cfg.Progress, cfg.Now)
	}
	if cfg.Sagas != nil {
		registerSagas(api, cfg.Sagas)
	}
	if cfg.Holds != nil {
		registerHolds(api, cfg.Holds)
	}
	if cfg.Links != nil {
		registerLinks(api, cfg.Links)
	}
	if cfg.Risks != nil {
		registerRisks(api, cfg.Risks)
	}
	if cfg.Proposals != nil {
		registerProposals(api, cfg.Proposals)
	}
	if cfg.GatewayScans != nil {
		registerGatewayScans(api, cfg.GatewayScans)
	}
	if cfg.Carriers != nil {
		registerCarriers(api, cfg.Carriers)
	}
	if cfg.DSCSA != nil {
		registerStatements(api, cfg.DSCSA)
		registerTraceRequests(api, cfg.DSCSA)
		registerSuspects(api, cfg.DSCSA)
		registerDiscrepancies(api, cfg.DSCSA)
	}
	if cfg.Proofs != nil {
		registerProofs(api, cfg.Proofs)
	}
	if cfg.Assets != nil {
		registerAssets(api, cfg.Assets)
	}
	if cfg.Footprints != nil {
		registerFootprints(api, cfg.Footprints)
	}
	if cfg.Receipts != nil {
		registerReceipts(api, cfg.Receipts)
	}
}
