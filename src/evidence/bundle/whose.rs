//! Whose log a file is, by where it lies.

/// The container, or `namespace/pod/container`, that a file is about; its own name where the path
/// says nothing.
pub(super) fn object_of(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let Some((file, folders)) = parts.split_last() else { return path.to_owned() };
    match folders {
        // Rotated logs of `oc adm must-gather` lie one folder deeper.
        [.., "namespaces", namespace, "pods", pod, container, _, "logs"]
        | [.., "namespaces", namespace, "pods", pod, container, _, "logs", "rotated"] => {
            format!("{namespace}/{pod}/{container}")
        }
        [.., "namespaces", namespace, "pods", pod] => format!("{namespace}/{pod}"),
        // `kind export logs`: `<namespace>_<pod>_<uid>`.
        [.., "pods", pod, container] if pod.split('_').count() == 3 => {
            let mut names = pod.split('_');
            let (namespace, pod) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
            format!("{namespace}/{pod}/{container}")
        }
        [.., "logs", namespace, pod] => format!("{namespace}/{pod}"),
        [.., folder] if is_suite(folder) => container_of(file, folder),
        [.., node] if matches!(*file, "kubelet.log" | "containerd.log" | "journal.log" | "serial.log") => {
            format!("{node} {}", stem(file))
        }
        _ => stem(file).to_owned(),
    }
}

/// The name that the same container of another suite or run has.
pub(super) fn role_of(object: &str, service: &str) -> String {
    if service.is_empty() { object.to_owned() } else { object.replace(service, "{service}") }
}

/// The service that a folder of an integration suite is about.
pub(super) fn service_of(path: &str) -> Option<&str> {
    path.split('/')
        .find(|part| is_suite(part))
        .and_then(|part| part.split_once("-integration-"))
        .map(|(s, _)| s)
}

/// `<service>-integration-20260123-193950`.
fn is_suite(folder: &str) -> bool {
    folder.split_once("-integration-").is_some_and(|(service, time)| {
        !service.is_empty() && time.len() == 15 && time.bytes().filter(u8::is_ascii_digit).count() == 14
    })
}

/// `aianalysis_postgres_test.log` is the container `postgres` of the suite `aianalysis`.
fn container_of(file: &str, folder: &str) -> String {
    let service = folder.split_once("-integration-").map_or("", |(service, _)| service);
    let name = file.strip_suffix("_inspect.json").unwrap_or(stem(file));
    container(name, service).to_owned()
}

/// The container's own name without the suite's and without `_test`.
pub(super) fn container<'a>(name: &'a str, service: &str) -> &'a str {
    let name = name.trim_start_matches('/');
    let bare = name.strip_prefix(service).and_then(|rest| rest.strip_prefix(['_', '-'])).unwrap_or(name);
    bare.strip_suffix("_test").unwrap_or(bare)
}

/// A file's name without its last ending.
fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| if stem.is_empty() { file } else { stem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_whose_log_it_is() {
        for (path, object) in [
            ("a.zip/g.tar.gz/x/gw-integration-20260123-193950/gw_postgres_test.log", "postgres"),
            ("x/gw-integration-20260123-193950/gw_postgres_test_inspect.json", "postgres"),
            ("must-gather/img/namespaces/ns/pods/p-1/c/c/logs/previous.log", "ns/p-1/c"),
            ("m/namespaces/ns/pods/p-1/p-1.yaml", "ns/p-1"),
            ("kind/node1/pods/kube-system_etcd-0_0123/etcd/0.log", "kube-system/etcd-0/etcd"),
            ("kind/node1/kubelet.log", "node1 kubelet"),
            ("b/logs/ns/pod-1/current.log", "ns/pod-1"),
            ("some/server.log", "server"),
            (".hidden", ".hidden"),
            ("", ""),
        ] {
            assert_eq!(object_of(path), object, "{path}");
        }
        assert_eq!(service_of("x/gw-integration-20260123-193950/a.log"), Some("gw"));
        assert_eq!(role_of("gw_api", "gw"), "{service}_api");
    }
}
