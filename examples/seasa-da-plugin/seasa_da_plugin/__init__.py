"""A plug-in of seasa-da: a method, an add-on and a reader."""
