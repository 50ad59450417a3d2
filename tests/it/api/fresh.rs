//! Generated files say what the types say.

use testrun_operator::api;

use crate::cluster::cluster;
use crate::generated::assert_file;

#[test]
fn the_crd_files_are_what_the_types_say() {
    for definition in api::definitions() {
        assert_file(&format!("crds/{}", definition.file), &definition.yaml().unwrap());
    }
}

#[tokio::test]
async fn the_documented_fields_are_what_kubectl_explain_prints() {
    let plane = cluster().await;
    let text = plane.kubectl_ok(&["explain", "testrunreport.spec", "--recursive"]).await.unwrap();
    assert_file("docs/examples/explain.txt", &text);
}
