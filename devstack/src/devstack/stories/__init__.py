"""The demo's stories, one module each; see `devstack.story` for what a story module holds."""
