package carrier

// Example is a mapping file with everything that one can say.
const Example = `# What Swift Couriers send, and how they are booked. Check it with:
#   frostline carriers check swift.yaml --message a-message-of-theirs.json
carrier: swift            # their webhook: POST /carriers/swift/webhook
party: swift-couriers     # record of the catalog; couriers of this party are theirs

incoming:
  authentication:
    scheme: hmac-sha256   # or bearer
    header: X-Swift-Signature
    prefix: "sha256="
    encoding: hex         # or base64
    timestamp: X-Swift-Timestamp
    tolerance: 5m
    signed: "{timestamp}.{body}"
    secret-files: [/etc/frostline/carriers/swift-in]   # mode 0600, 16 bytes at least
  events: /events         # a list in the message; leave it out where a message is one event
  fields:                 # JSON pointers into an event
    id: /id
    shipment: /delivery/reference
    status: /status/code
    sub-status: /status/reason     # EXCEPTION.REFUSED goes before EXCEPTION
    time: /occurred_at
    eta: /delivery/eta
    latitude: /position/lat
    longitude: /position/lng
    assumed-accuracy: 50           # m
  reference: shipment     # what names the delivery: shipment, job, or booking
  time: {format: rfc3339} # or unix, unix-ms, or a pattern with a zone:
                          # {format: "DD.MM.YYYY hh:mm:ss", zone: Europe/Berlin}
  statuses:
    ASSIGNED: {ignore: true}
    ON_ROUTE: {route: started, shipment: in_transit}
    COLLECTED: {stop: completed, at: pickup, shipment: dispatched}
    AT_DOOR: {stop: arrived}
    DELIVERED: {stop: completed}
    EXCEPTION: {stop: failed}
    EXCEPTION.DELAYED: {shipment: in_transit}

booking:                  # one request for each delivery of a route of their couriers
  url: https://api.swift.example/v2/deliveries
  secret-file: /etc/frostline/carriers/swift-out        # sent as: Authorization: Bearer …
  body:
    reference: "{shipment}"
    cold_chain: true
    weight_g: "{load}"
    pickup: {site: "{from.id}", ready: "{ready}"}
    dropoff: {lat: "{to.latitude}", lng: "{to.longitude}", after: "{window.from}", before: "{window.until}"}
    note: "route {route}, stop {stop}"
  reference: /delivery/id # in their answer
  cancel: {method: DELETE, url: "https://api.swift.example/v2/deliveries/{reference}"}

tasks:                    # told once for each delivery
  url: https://api.swift.example/hooks/frostline
  secret-file: /etc/frostline/carriers/swift-sign       # whsec_…: echo whsec_$(openssl rand -base64 32)
  triggers: [started, eta, arrival, completed, failed]
  eta-within: 15m
`
