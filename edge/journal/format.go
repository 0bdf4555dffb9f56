package journal

// Format is that of the journal as a whole: its files, marks and records. A
// release of the agent reads the formats that its manifest names; it writes one
// that the release before it does not read only when it has been confirmed, so
// that a release that is undone leaves a journal that the one before it opens.
const Format = 1
