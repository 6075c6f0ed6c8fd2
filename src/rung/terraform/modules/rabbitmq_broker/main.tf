# The rules that let services in stand in the module connections: one per edge of the workload.
resource "aws_security_group" "this" {
  name        = "${var.name}-broker"
  description = "RabbitMQ ${var.name}"
  vpc_id      = var.vpc_id
}

# The provider's own resource takes the password as an argument, and an argument is in the state. CloudFormation reads
# it from the secret when it makes the broker: this file and the state know where it is, and not what it is.
resource "aws_cloudformation_stack" "this" {
  name       = "${var.name}-broker"
  on_failure = "DELETE"

  template_body = jsonencode({
    Description = "RabbitMQ ${var.name}"
    Resources = {
      Broker = {
        Type = "AWS::AmazonMQ::Broker"
        Properties = {
          BrokerName              = var.name
          EngineType              = "RABBITMQ"
          EngineVersion           = var.engine_version
          HostInstanceType        = var.instance_type
          DeploymentMode          = var.cluster ? "CLUSTER_MULTI_AZ" : "SINGLE_INSTANCE"
          StorageType             = "EBS"
          AuthenticationStrategy  = "SIMPLE"
          AutoMinorVersionUpgrade = true
          PubliclyAccessible      = false
          SubnetIds               = var.cluster ? var.subnet_ids : slice(var.subnet_ids, 0, 1)
          SecurityGroups          = [aws_security_group.this.id]
          Logs                    = { General = true }
          Users = [{
            Username = var.username
            Password = "{{resolve:secretsmanager:${var.login_secret_arn}:SecretString:password}}"
          }]
          MaintenanceWindowStartTime = { DayOfWeek = "SUNDAY", TimeOfDay = "03:30", TimeZone = "UTC" }
        }
      }
    }
    Outputs = {
      Id       = { Value = { Ref = "Broker" } }
      Arn      = { Value = { "Fn::GetAtt" = ["Broker", "Arn"] } }
      Endpoint = { Value = { "Fn::Select" = [0, { "Fn::GetAtt" = ["Broker", "AmqpEndpoints"] }] } }
    }
  })

  # What would put another broker in the place of this one would lose what waits in it.
  policy_body = jsonencode({
    Statement = [
      { Effect = "Allow", Principal = "*", Action = "Update:*", Resource = "*" },
      { Effect = "Deny", Principal = "*", Action = ["Update:Replace", "Update:Delete"], Resource = "LogicalResourceId/Broker" },
    ]
  })

  timeouts {
    create = "60m"
    update = "120m"
    delete = "60m"
  }
}
