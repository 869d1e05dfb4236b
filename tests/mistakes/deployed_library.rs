//! A library was deployed where the application of nearly the same name was meant.
//! error: cannot be deployed
//! help: libraries are uploaded, applications are deployed

use gopythongo::prelude::*;

fn main() {
    let shop = library("shop-core").pytest().upload();
    let _ = deployment("shop-live", &shop);
}
