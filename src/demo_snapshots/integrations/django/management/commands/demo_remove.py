from demo_snapshots.integrations.django.management.base import management_command

Command = management_command("remove")
