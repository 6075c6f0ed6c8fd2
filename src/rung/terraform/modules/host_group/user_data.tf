# The caller's part, and one of this module: EC2 itself measures neither disks nor memory.

locals {
  agent = {
    agent = { metrics_collection_interval = 60 }
    metrics = {
      namespace         = "CWAgent"
      append_dimensions = { AutoScalingGroupName = "$${aws:AutoScalingGroupName}", InstanceId = "$${aws:InstanceId}" }
      metrics_collected = {
        disk = {
          measurement                 = ["used_percent"]
          resources                   = ["*"]
          ignore_file_system_types    = ["devtmpfs", "overlay", "squashfs", "tmpfs"]
          drop_device                 = true
          metrics_collection_interval = 60
        }
        mem = { measurement = ["used_percent"] }
      }
      # One number for the group: the fullest disk of all. Machines come and go, an alarm stays.
      aggregation_dimensions = [["AutoScalingGroupName"]]
    }
  }

  agent_part = <<-SCRIPT
    #!/bin/sh
    set -eu
    dnf install -y amazon-cloudwatch-agent
    cat > /opt/aws/amazon-cloudwatch-agent/etc/config.json <<'CONFIGURATION'
    ${jsonencode(local.agent)}
    CONFIGURATION
    /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \
      -c file:/opt/aws/amazon-cloudwatch-agent/etc/config.json
  SCRIPT

  # Two parts in one message, as cloud-init reads them; compressed, for EC2 takes 16 KB.
  user_data = base64gzip(join("\n", [
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=\"=part=\"",
    "",
    "--=part=",
    "Content-Type: ${startswith(var.user_data, "#!") ? "text/x-shellscript" : "text/cloud-config"}; charset=\"utf-8\"",
    "",
    var.user_data,
    "--=part=",
    "Content-Type: text/x-shellscript; charset=\"utf-8\"",
    "Content-Disposition: attachment; filename=\"zz-monitoring.sh\"",
    "",
    local.agent_part,
    "--=part=--",
    "",
  ]))
}
