mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

override_resource {
  target          = aws_security_group.this
  override_during = plan
  values          = { id = "sg-0a1b2c3d4e5f60718" }
}

override_resource {
  target          = aws_cloudformation_stack.this
  override_during = plan
  values = {
    outputs = {
      Id       = "b-1"
      Arn      = "arn:aws:mq:eu-central-1:123456789012:broker:shop-prod-rabbitmq:b-1"
      Endpoint = "amqps://b-1.mq.eu-central-1.on.aws:5671"
    }
  }
}

variables {
  name             = "shop-prod-rabbitmq"
  vpc_id           = "vpc-0a1b2c3d4e5f60718"
  subnet_ids       = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  login_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-prod-rabbitmq-login-AbCdEf"
}

run "one_instance_whose_password_nothing_knows" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudformation_stack.this.template_body).Resources.Broker.Properties.Users == [{ Username = "app", Password = "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-prod-rabbitmq-login-AbCdEf:SecretString:password}}" }]
    error_message = "the password is read from the secret by CloudFormation, and stands nowhere"
  }

  assert {
    condition     = !jsondecode(aws_cloudformation_stack.this.template_body).Resources.Broker.Properties.PubliclyAccessible
    error_message = "nobody outside of the network reaches it"
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.this.template_body).Resources.Broker.Properties.DeploymentMode == "SINGLE_INSTANCE" && jsondecode(aws_cloudformation_stack.this.template_body).Resources.Broker.Properties.SubnetIds == ["subnet-0a1b2c3d4e5f60718"]
    error_message = "one instance stands in one subnet: Amazon MQ refuses two"
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.this.template_body).Resources.Broker.Properties.SecurityGroups == ["sg-0a1b2c3d4e5f60718"]
    error_message = "it is reached through its security group alone"
  }

  assert {
    condition     = contains([for statement in jsondecode(aws_cloudformation_stack.this.policy_body).Statement : statement.Effect == "Deny" && contains(statement.Action, "Update:Replace") if statement.Effect == "Deny"], true)
    error_message = "an update that replaces the broker loses its messages, and is refused"
  }

  assert {
    condition     = output.broker_name == "shop-prod-rabbitmq" && startswith(output.url, "amqps://")
    error_message = "clients connect with TLS"
  }
}

run "a_cluster_stands_in_all_subnets" {
  command = plan

  variables {
    cluster       = true
    instance_type = "mq.m7g.large"
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.this.template_body).Resources.Broker.Properties.DeploymentMode == "CLUSTER_MULTI_AZ" && length(jsondecode(aws_cloudformation_stack.this.template_body).Resources.Broker.Properties.SubnetIds) == 2
    error_message = "three nodes in as many zones, reached in every subnet"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name             = "Shop_prod"
    subnet_ids       = []
    login_secret_arn = "swordfish"
    username         = "guest"
    instance_type    = "mq.t3.micro"
  }

  expect_failures = [var.name, var.subnet_ids, var.login_secret_arn, var.username, var.instance_type]
}

# By itself: where the version is wrong, Terraform does not look at the type that has to fit it.
run "an_old_version_is_refused" {
  command = plan

  variables {
    engine_version = "3.10"
  }

  expect_failures = [var.engine_version]
}

run "version_4_does_not_run_on_m5" {
  command = plan

  variables {
    instance_type = "mq.m5.large"
  }

  expect_failures = [var.instance_type]
}
