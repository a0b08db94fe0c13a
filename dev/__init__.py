"""What only a developer's machine needs: local services, the demo and its traffic. The app never imports it."""

# The gateways' hosts that the simulator stands for, for the app's setting GATEWAY_HOSTS.
SIMULATED_HOSTS = ("ipnpb.paypal.com", "ipnpb.sandbox.paypal.com")
