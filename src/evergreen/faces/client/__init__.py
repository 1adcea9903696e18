"""The two ways to a project: in this process, and over HTTP. One contract suite runs both."""
