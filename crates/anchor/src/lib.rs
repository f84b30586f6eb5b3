//! Trust anchor: product secret and device value to master keys and seeds
