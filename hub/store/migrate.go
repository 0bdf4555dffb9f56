package store

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Each file is one context's tables. A file that a release has carried is
// never changed; what comes later is a new file.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date, each file in a transaction of its own.
func (db *DB) migrate(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithSlog(db.log), goose.WithAllowOutofOrder(true)}
	dialect, translate := goose.DialectSQLite3, sqliteTypes
	if db.dialect == Postgres {
		dialect, translate = goose.DialectPostgres, postgresTypes
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, db.write, translated{sub, translate}, opts...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	// One connection is held to write by, goose holds one for its lock and uses
	// another.
	db.write.SetMaxOpenConns(3)
	defer db.write.SetMaxOpenConns(1)
	has, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read version of tables: %w", err)
	}
	sources := provider.ListSources()
	if newest := sources[len(sources)-1].Version; has > newest {
		return fmt.Errorf("its tables are of version %d and this program knows up to %d: use the program that wrote them, or a newer one", has, newest)
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate tables: %w", err)
	}
	if len(done) > 0 {
		db.log.Info("migrated tables", "store", db.place, "from", has, "to", done[len(done)-1].Source.Version)
	}
	return nil
}

// sqliteTypes and postgresTypes turn the type names of the one SQL text into
// the database's own: a BIGINT key is SQLite's row id only when it is called
// INTEGER, PostgreSQL calls bytes BYTEA, and its rows have no ids to do without.
func sqliteTypes(b []byte) []byte {
	return bytes.ReplaceAll(b, []byte("BIGINT PRIMARY KEY"), []byte("INTEGER PRIMARY KEY"))
}

func postgresTypes(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte(" WITHOUT ROWID"), nil)
	return bytes.ReplaceAll(b, []byte(" BLOB"), []byte(" BYTEA"))
}

// translated is a file system whose files are read through a translation.
type translated struct {
	fs.FS
	translate func([]byte) []byte
}

func (t translated) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return translatedFile{f, bytes.NewReader(t.translate(b))}, nil
}

func (t translated) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.FS, name) }

type translatedFile struct {
	fs.File
	text *bytes.Reader
}

func (f translatedFile) Read(b []byte) (int, error) { return f.text.Read(b) }
