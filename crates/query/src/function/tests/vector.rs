//! Vectors, against pgvector.

use super::*;

#[test]
fn distances_and_norms() {
    check(
        "double precision",
        &[
            ("l2_distance", &["vector(2) [0,0]", "'[3,4]'"], "5"),
            ("l2_distance", &["'[3,4]'", "vector(2) [0,0]"], "5"),
            (
                "cosine_distance",
                &["vector(2) [1,1]", "vector(2) [-1,-1]"],
                "2",
            ),
            (
                "inner_product",
                &["vector(2) [1,2]", "vector(2) [3,4]"],
                "11",
            ),
            ("l1_distance", &["vector(2) [0,0]", "vector(2) [3,-4]"], "7"),
            ("vector_norm", &["vector(2) [3,4]"], "5"),
            ("l2_norm", &["vector(2) [3,4]"], "5"),
            (
                "l1_distance",
                &["vector(2) [0,0]", "vector(1) [1]"],
                "22000: different vector dimensions 2 and 1",
            ),
            (
                "l2_distance",
                &["vector(2) [0,0]", "vector(1) [1]"],
                "22000: different vector dimensions 2 and 1",
            ),
        ],
    );
    check("integer", &[("vector_dims", &["vector(2) [3,4]"], "2")]);
    check(
        "vector(2)",
        &[
            ("l2_normalize", &["vector(2) [3,4]"], "[0.6,0.8]"),
            ("l2_normalize", &["vector(2) [0,0]"], "[0,0]"),
            ("l2_normalize", &["vector(2) [3e38,0]"], "[1,0]"),
        ],
    );
    let message = answer("vector_dims", &["'[1]'"]);
    assert_eq!(
        message,
        "42883: function vector_dims(unknown) does not exist; there is vector_dims(vector)"
    );
}
