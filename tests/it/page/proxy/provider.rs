//! A small OpenID provider: discovery, keys, a login of whoever is said to sit at the browser, tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testrun_operator::serve::tls::{Files, Tls};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::form_urlencoded;

pub const CLIENT: (&str, &str) = ("testrun-page", "a-secret-of-the-tests");
const KEY: &str = "first";

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Person {
    pub email: String,
    pub groups: Vec<String>,
    /// Seconds that their tokens live.
    pub life: u64,
    pub refresh: Refresh,
}

/// What becomes of a token that is to be exchanged for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// None can be.
    Never,
    /// A new one of everything.
    Whole,
    /// A new token for access and no ID token, as the standard lets a provider do.
    WithoutIdToken,
    /// The person has been locked out.
    Refused,
}

impl Person {
    pub fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|&g| g.to_owned()).collect();
        Self { email: format!("{name}@example.com"), groups, life: 3600, refresh: Refresh::Never }
    }

    pub fn with(self, life: u64, refresh: Refresh) -> Self {
        Self { life, refresh, ..self }
    }
}

/// What a code or a token for new ones stands for.
#[derive(Clone)]
struct Grant {
    person: Person,
    nonce: Option<String>,
    challenge: String,
}

#[derive(Default)]
struct Book {
    person: Option<Person>,
    grants: HashMap<String, Grant>,
    /// How many there were of each.
    logins: usize,
    refreshes: usize,
}

struct Inner {
    url: String,
    redirect: String,
    key: EncodingKey,
    jwk: Value,
    book: Mutex<Book>,
}

pub struct Provider {
    inner: Arc<Inner>,
    _end: DropGuard,
}

impl Provider {
    /// Starts it with a certificate; the client is led to one address only.
    pub async fn start(files: Files, redirect: String) -> Self {
        let key = testkit::github::AppKey::generate();
        let key = EncodingKey::from_rsa_pem(key.pem.as_bytes()).unwrap();
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap()).unwrap();
        jwk["kid"] = json!(KEY);
        jwk["use"] = json!("sig");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let end = CancellationToken::new();
        let tls = Tls::follow(files, end.clone()).unwrap();
        let inner = Arc::new(Inner { url, redirect, key, jwk, book: Mutex::default() });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(async |State(own): State<Arc<Inner>>| Json(json!({"keys": [own.jwk]}))))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(inner.clone());
        tokio::spawn(async { axum::serve(tls.over(listener), router).await });
        Self { inner, _end: end.drop_guard() }
    }

    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Who sits at the browser now; nobody, and there is a page that asks for a password.
    pub fn seat(&self, person: impl Into<Option<Person>>) {
        self.inner.book.lock().unwrap().person = person.into();
    }

    /// How often somebody logged in.
    pub fn logins(&self) -> usize {
        self.inner.book.lock().unwrap().logins
    }

    /// How often tokens were exchanged for new ones.
    pub fn refreshes(&self) -> usize {
        self.inner.book.lock().unwrap().refreshes
    }

    /// From now on, for who is logged in already.
    pub fn change(&self, email: &str, refresh: Refresh) {
        let mut book = self.inner.book.lock().unwrap();
        let theirs = book.grants.values_mut().filter(|grant| grant.person.email == email);
        theirs.for_each(|grant| grant.person.refresh = refresh);
    }

    /// An ID token of a person.
    pub fn id_token(&self, person: &Person) -> String {
        self.inner.id_token(person, None)
    }
}

impl Inner {
    fn id_token(&self, person: &Person, nonce: Option<&str>) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({"iss": self.url, "aud": CLIENT.0, "sub": person.email, "iat": now,
            "exp": now + i64::try_from(person.life).unwrap(), "email": person.email, "email_verified": true,
            "groups": person.groups});
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        let header = Header { kid: Some(KEY.to_owned()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }

    fn issue(&self, grant: Grant, id_token: bool) -> Response {
        let mut answer = json!({"access_token": random(), "token_type": "Bearer"});
        // Without a new ID token only the other one tells how long it lives.
        answer["expires_in"] = json!(if id_token { grant.person.life } else { 3600 });
        if id_token {
            answer["id_token"] = json!(self.id_token(&grant.person, grant.nonce.as_deref()));
        }
        if grant.person.refresh != Refresh::Never {
            let again = random();
            answer["refresh_token"] = json!(again);
            self.book.lock().unwrap().grants.insert(again, grant);
        }
        ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
    }
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(std::array::from_fn::<u8, 24, _>(|_| fastrand::u8(..)))
}

async fn discovery(State(own): State<Arc<Inner>>) -> Json<Value> {
    let at = |path: &str| format!("{}/{path}", own.url);
    Json(json!({"issuer": own.url, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
        "jwks_uri": at("keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"]}))
}

async fn authorize(State(own): State<Arc<Inner>>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let is = |name: &str, wanted: &str| asked.get(name).is_some_and(|value| value == wanted);
    let known = is("client_id", CLIENT.0)
        && is("redirect_uri", &own.redirect)
        && is("response_type", "code")
        && is("code_challenge_method", "S256");
    let (Some(state), Some(challenge), true) = (asked.get("state"), asked.get("code_challenge"), known)
    else {
        return (StatusCode::BAD_REQUEST, format!("{asked:?}")).into_response();
    };
    let mut book = own.book.lock().unwrap();
    let Some(person) = book.person.clone() else {
        return Html("<h1>Who are you?</h1>").into_response();
    };
    book.logins += 1;
    let code = random();
    let nonce = asked.get("nonce").cloned();
    book.grants.insert(code.clone(), Grant { person, nonce, challenge: challenge.clone() });
    let back = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", state)
        .finish();
    (StatusCode::FOUND, [(header::LOCATION, format!("{}?{back}", own.redirect))]).into_response()
}

async fn token(State(own): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let said = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let refuse = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": why}))).into_response();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1)));
    if headers.get(header::AUTHORIZATION).is_none_or(|value| *value != *basic) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    // Each is good for once.
    let take = |name: &str| own.book.lock().unwrap().grants.remove(said(name));
    match said("grant_type") {
        "authorization_code" => match take("code") {
            Some(grant) if verifies(&grant.challenge, said("code_verifier")) => own.issue(grant, true),
            _ => refuse("invalid_grant"),
        },
        "refresh_token" => match take("refresh_token") {
            Some(grant) if grant.person.refresh != Refresh::Refused => {
                own.book.lock().unwrap().refreshes += 1;
                let whole = grant.person.refresh == Refresh::Whole;
                own.issue(grant, whole)
            }
            _ => refuse("invalid_grant"),
        },
        _ => refuse("unsupported_grant_type"),
    }
}

fn verifies(challenge: &str, verifier: &str) -> bool {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
}
