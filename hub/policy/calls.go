package policy

import "strings"

// calls are the operations of hub/rest, by id. What scope a token needs stands
// at the operation.
var calls = table([]row{
	{everybody.partners(), `get-caller`},

	// Records of the company: who looks, and who keeps them.
	{inside.partners(), `
		list-products get-product get-product-trail list-profiles get-profile get-profile-trail list-profile-versions get-profile-version
		list-sites get-site get-site-trail list-zones get-zone get-zone-trail list-vehicles get-vehicle get-vehicle-trail
		list-compartments get-compartment get-compartment-trail list-totes get-tote get-tote-trail list-loggers get-logger get-logger-trail
		list-sensors get-sensor get-sensor-trail list-gateways get-gateway get-gateway-trail
		list-calibrations get-calibration get-calibration-trail list-parties get-party get-party-trail`},
	{only(QA, Pharmacist), `create-profile create-profile-version put-profile retire-profile`},
	{only(QA, Pharmacist, Operator), `create-product put-product retire-product create-party put-party retire-party`},
	{only(QA, Operator), `
		create-site put-site retire-site create-zone put-zone retire-zone create-vehicle put-vehicle retire-vehicle
		create-compartment put-compartment retire-compartment create-sensor put-sensor retire-sensor create-gateway put-gateway retire-gateway
		create-calibration put-calibration retire-calibration`},
	{stock.and(QA), `clean-asset expect-asset create-tote put-tote retire-tote create-logger put-logger retire-logger`},
	{technical, `export-records list-imports`},
	{only(Pharmacist, Operator).partners(), `import-records`},

	// Orders, shipments, packages and units.
	{inside.partners(), `
		list-orders get-order get-order-status get-order-trail list-shipments get-shipment get-shipment-trail
		list-packages get-package get-package-trail list-package-units get-package-contents get-package-attachments
		list-units get-unit get-unit-trail get-unit-attachments get-unit-budget get-inventory
		get-zone-contents get-compartment-contents get-tote-contents get-logger-contents
		get-tote-attachments get-logger-attachments get-sensor-attachments get-attachment get-package-custody get-handover
		list-scans count-scans`},
	// It tells what every partner sent: no partner reads it.
	{inside, `get-unit-provenance`},
	{only(Pharmacist, Operator).partners(), `place-order put-order cancel-order`},
	{only(Pharmacist, Dispatcher, Warehouse, Operator).partners(), `plan-shipment put-shipment cancel-shipment assign-packages unassign-package`},
	{stock.partners(), `
		pack-package put-package void-package close-package reopen-package fill-package empty-package
		receive-units put-unit state-attachments withdraw-attachment withdraw-handover`},
	{stock, `adjust-inventory retry-scan drop-scan`},
	{stock.and(Dispatcher, Driver).partners(), `hand-over report-delivery`},

	// Links by which patients follow a delivery.
	{technical.and(Pharmacist, Dispatcher).partners(), `list-patient-links`},
	{only(Pharmacist, Dispatcher, Operator).partners(), `create-patient-link revoke-patient-link`},

	// Verdicts, cases and evidence.
	{inside.partners(), `
		get-package-state get-package-verdict list-package-verdicts get-package-chart list-watched-packages`},
	{inside, `list-excursions get-excursion list-excursion-trail get-excursion-document`},
	{inside, `list-sagas get-saga list-holds get-hold`},
	{quality, `decide-saga place-hold lift-hold`},
	{quality.and(Pharmacist, Dispatcher, Warehouse, Operator), `acknowledge-excursion comment-on-excursion attach-to-excursion`},
	{quality, `investigate-excursion assess-excursion propose-excursion sign-excursion close-excursion`},
	{only(Approver), `approve-excursion`},
	{technical.and(Pharmacist).partners(), `export-evidence read-log report-shipment report-excursion`},
	{technical, `list-notifications`},
	{only(QA, Operator), `retry-notification`},

	// Couriers on their routes. Drivers see and tell of routes, and nothing else.
	{inside.and(Driver).partners(), `list-routes get-route get-route-eta list-jobs get-job`},
	{inside.partners(), `list-couriers get-courier list-deliveries-at-risk get-route-proposal list-delivery-proofs get-receipt print-receipt list-assets get-asset get-route-footprint`},
	{technical.and(Dispatcher), `list-carriers list-carrier-messages list-carrier-calls`},
	{transport, `get-carrier-message retry-carrier-message drop-carrier-message retry-carrier-call drop-carrier-call`},
	{transport, `put-courier put-route reorder-route message-courier import-dispatch`},
	{transport.and(Pharmacist), `put-job cancel-job put-place`},
	{transport.and(Driver).partners(), `report-route report-stop prove-delivery`},
	{transport.and(QA), `hold-stop recall-route`},

	// Duties under the DSCSA. A partner's program tells and reads nothing.
	{inside, `
		list-statements get-statement get-statement-document find-statements list-trace-requests get-trace-request
		list-suspects get-suspect list-exceptions get-exception get-exception-message list-verifications`},
	{technical, `get-retention get-trace-package get-form-3911`},
	{stock.and(QA).partners(), `receive-statement report-exception respond-exception`},
	{only(QA, Pharmacist, Operator).partners(), `create-trace-request`},
	{only(QA, Pharmacist, Operator), `send-statement ask-verification`},
	{stock.and(QA), `compare-statement resolve-exception`},
	{quality, `
		answer-trace-request raise-suspect open-suspect dismiss-suspect clear-suspect determine-suspect describe-suspect notified-suspect terminate-suspect`},

	// Gateways.
	{technical, `
		get-gateway-config list-gateway-commands get-gateway-command list-gateway-scans count-gateway-scans
		list-releases list-rollouts get-rollout list-rollout-gateways`},
	{gateways, `put-gateway-config command-gateway start-rollout pause-rollout resume-rollout abort-rollout`},

	// People and tokens.
	{only(Auditor, Admin), `list-people get-person list-tokens`},
	{only(Admin), `disable-person revoke-token`},
}, strings.Fields)
