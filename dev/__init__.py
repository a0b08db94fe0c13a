"""What only a developer's machine needs: local services, the demo and its traffic. The app never imports it."""
