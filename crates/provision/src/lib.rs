//! The provisioning service and its device agent
