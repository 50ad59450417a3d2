//! The database behind the history: open, record, tend. The same schema and statements for SQLite and PostgreSQL.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Row};

use super::{Place, sqlite};
use crate::verdict::text::clean;

/// What each version adds to the one before it, the first one first.
const SCHEMAS: [(i64, &str); 4] = [
    (1, include_str!("schema.sql")),
    (2, include_str!("schema2.sql")),
    (3, include_str!("schema3.sql")),
    (4, include_str!("schema4.sql")),
];
/// Version of the schema that this program knows.
const VERSION: i64 = 4;
/// The first one that has what decided about a commit.
pub(super) const WITH_FACTS: i64 = 2;
/// The first one that has sums.
pub(super) const WITH_SUMS: i64 = 3;
/// The first one that has how long tests took.
pub(super) const WITH_DURATIONS: i64 = 4;
/// Held while the schema is made, so that of two replicas one waits for the other.
const LOCK: i64 = 0x7465_7374_7275_6e01;
/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(15);
/// Questions that are answered at a time.
const READERS: u32 = 3;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// This record will never be taken.
    #[error("the record was refused: {0}")]
    Refused(String),
    /// The store cannot be used now.
    #[error("{0}")]
    Trouble(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let told = clean(&error.to_string(), 300);
        match &error {
            sqlx::Error::Encode(_) => Self::Refused(told),
            // Classes 22 and 23 of SQLSTATE are about values; SQLite has numbers of its own.
            sqlx::Error::Database(e) => match e.code() {
                Some(c) if c.len() == 5 && (c.starts_with("22") || c.starts_with("23")) => {
                    Self::Refused(told)
                }
                Some(c) if c.len() < 5 && sqlite::refuses(&c) => Self::Refused(told),
                _ => Self::Trouble(told),
            },
            _ => Self::Trouble(told),
        }
    }
}

/// A database that is open; clones share its connections.
#[derive(Clone)]
pub struct Store {
    /// For who writes, who is one. In memory one connection is the database, for readers too.
    pub(super) pool: AnyPool,
    /// For questions, so that no number of them keeps results from being recorded.
    readers: AnyPool,
    /// The file, whose end is noticed.
    file: Option<PathBuf>,
    pub(super) sqlite: bool,
    /// Bytes after which the oldest go with the next record; in memory only.
    pub(super) bound: Option<u64>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the store to write, and makes its tables where it has none.
    pub async fn open(place: &Place, bytes: u64) -> Result<Self, StoreError> {
        let (writer, readers, file) = match place {
            Place::None => return Err(StoreError::Trouble("there is no store".to_owned())),
            Place::Memory => {
                let only = Self::pool("sqlite::memory:", 1, sqlite::MEMORY.to_owned()).await?;
                (only.clone(), only, None)
            }
            Place::File(path) => {
                let url = sqlite::url(path);
                let writer = Self::pool(&format!("{url}?mode=rwc"), 1, sqlite::settings(bytes)).await?;
                let readers = Self::later(&format!("{url}?mode=rw"), READERS, sqlite::READING.to_owned())?;
                (writer, readers, Some(path.clone()))
            }
            Place::Postgres(path) => {
                let url = secret(path)?;
                let writer = Self::pool(&url, 1, "SET lock_timeout = '10s'".to_owned()).await?;
                // A plan for any number of days, which a server makes after a while, is no good one for most of them.
                let reading = "SET default_transaction_read_only = on; SET statement_timeout = '10s'; \
                     SET plan_cache_mode = force_custom_plan";
                (writer, Self::later(&url, READERS, reading.to_owned())?, None)
            }
        };
        let sqlite = !matches!(place, Place::Postgres(_));
        let bound = (*place == Place::Memory).then_some(bytes);
        let store = Self { pool: writer, readers, file, sqlite, bound };
        store.migrate().await?;
        Ok(store)
    }

    /// Opens a file to read it, while an operator may write it or not.
    pub async fn read(path: &std::path::Path) -> Result<Self, StoreError> {
        let url = format!("{}?mode=ro", sqlite::url(path));
        let pool = Self::pool(&url, 1, sqlite::READING.to_owned()).await?;
        let store = Self { readers: pool.clone(), pool, file: None, sqlite: true, bound: None };
        let mut connection = store.reader().await?;
        known(version(&mut connection).await?)?;
        drop(connection);
        Ok(store)
    }

    /// Connections that are there at once.
    async fn pool(url: &str, most: u32, settings: String) -> Result<AnyPool, StoreError> {
        let pool = Self::options(most, settings).min_connections(1).idle_timeout(None).max_lifetime(None);
        pool.connect(url).await.map_err(unopened)
    }

    /// Connections that are made when they are wanted.
    fn later(url: &str, most: u32, settings: String) -> Result<AnyPool, StoreError> {
        Self::options(most, settings).connect_lazy(url).map_err(unopened)
    }

    fn options(most: u32, settings: String) -> AnyPoolOptions {
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new().max_connections(most).acquire_timeout(PATIENCE);
        pool.after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(settings)).await.map(drop) })
        })
    }

    pub(super) async fn reader(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        self.readers.acquire().await
    }

    /// Makes the tables, once, whoever else does so at the same time.
    async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut work = connection.begin_with(self.begin()).await?;
        if !self.sqlite {
            sqlx::query("SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS held")
                .bind(LOCK)
                .fetch_all(&mut *work)
                .await?;
        }
        work.execute("CREATE TABLE IF NOT EXISTS history_schema (version BIGINT NOT NULL)").await?;
        let version = version(&mut work).await?;
        known(version)?;
        let (key, bytes, clustered) = match self.sqlite {
            true => ("INTEGER PRIMARY KEY", "BLOB", "WITHOUT ROWID"),
            false => ("BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "BYTEA", ""),
        };
        for (newer, schema) in SCHEMAS.iter().filter(|(newer, _)| *newer > version) {
            let schema = schema.replace("id IDENTITY", &format!("id {key}"));
            let schema = schema
                .replace(" BYTES ", &format!(" {bytes} "))
                .replace(") CLUSTERED", &format!(") {clustered}"));
            for statement in schema.split_inclusive(";\n").filter(|s| !s.trim().is_empty()) {
                work.execute(sqlx::AssertSqlSafe(statement.to_owned())).await?;
            }
            let version = sqlx::query("INSERT INTO history_schema (version) VALUES ($1)").bind(newer);
            version.execute(&mut *work).await?;
        }
        Ok(work.commit().await?)
    }

    /// Whether the file is still where it was opened.
    pub(super) fn is_there(&self) -> bool {
        self.file.as_ref().is_none_or(|path| path.exists())
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        // One that waits for a lock must not hold up who wants to try anew.
        let both = async { tokio::join!(self.readers.close(), self.pool.close()) };
        let _ = tokio::time::timeout(PATIENCE, both).await;
    }

    /// Deletes what is older than some time, and the oldest where more is kept than may be. Gives the bytes in use.
    pub async fn tend(&self, oldest: i64, bytes: u64) -> Result<u64, StoreError> {
        let mut connection = self.pool.acquire().await?;
        while self.remove(&mut connection, oldest, i64::MAX).await? > 0 {}
        let mut used = self.used(&mut connection).await?;
        // Room for what comes until the next time.
        while self.sqlite && used > bytes / 10 * 9 {
            let count =
                sqlx::query("SELECT count(*) FROM history_commits").fetch_one(&mut *connection).await?;
            let most = count.try_get::<i64, _>(0)? / 20 + 1;
            let mut gone = 0;
            while gone < most {
                match self.remove(&mut connection, i64::MAX, most - gone).await? {
                    0 => break,
                    some => gone += some,
                }
            }
            if gone == 0 {
                break;
            }
            orphans(&mut connection).await?;
            used = self.used(&mut connection).await?;
        }
        orphans(&mut connection).await?;
        if self.sqlite {
            connection.execute("PRAGMA incremental_vacuum(4096)").await?;
        }
        Ok(self.used(&mut connection).await?)
    }

    /// Bytes in use.
    pub(super) async fn used(&self, connection: &mut AnyConnection) -> Result<u64, sqlx::Error> {
        let sql = if self.sqlite {
            "SELECT (p.page_count - f.freelist_count) * s.page_size AS bytes
             FROM pragma_page_count AS p, pragma_freelist_count AS f, pragma_page_size AS s"
        } else {
            "SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT) AS bytes FROM pg_class
             WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname LIKE 'history!_%' ESCAPE '!'"
        };
        let bytes: i64 = sqlx::query(sql).fetch_one(connection).await?.try_get(0)?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }
}

/// What is wrong with an address may repeat its password.
fn unopened(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Configuration(_) => StoreError::Trouble("its address cannot be used".to_owned()),
        error => StoreError::Trouble(clean(&error.to_string(), 300)),
    }
}

/// The address of a server, which has a password in it.
fn secret(path: &std::path::Path) -> Result<String, StoreError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| StoreError::Trouble(format!("{} cannot be read: {}", path.display(), e.kind())))?;
    let url = text.trim();
    match url.starts_with("postgres://") || url.starts_with("postgresql://") {
        true => Ok(url.to_owned()),
        false => Err(StoreError::Trouble(format!("{} has no address postgres://...", path.display()))),
    }
}

/// Version of the schema; 0 of an empty database.
pub(super) async fn version(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    let sql = "SELECT CAST(coalesce(max(version), 0) AS BIGINT) AS version FROM history_schema";
    sqlx::query(sql).fetch_one(connection).await?.try_get(0)
}

fn known(version: i64) -> Result<(), StoreError> {
    if version <= VERSION {
        return Ok(());
    }
    Err(StoreError::Trouble(format!(
        "it was made by a newer version (schema {version}, known up to {VERSION}); nothing is written to it"
    )))
}

/// Deletes names that no result has any more.
async fn orphans(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    for sql in [
        "DELETE FROM history_tests WHERE NOT EXISTS (SELECT 1 FROM history_failures f WHERE f.test_id = history_tests.id)
           AND NOT EXISTS (SELECT 1 FROM history_durations d WHERE d.test_id = history_tests.id)",
        "DELETE FROM history_series WHERE NOT EXISTS
           (SELECT 1 FROM history_results r WHERE r.series_id = history_series.id)",
    ] {
        sqlx::query(sql).execute(&mut *connection).await?;
    }
    Ok(())
}
