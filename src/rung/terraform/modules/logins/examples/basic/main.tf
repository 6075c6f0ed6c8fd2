# A service that writes and a job that reads, each as a role of its own.
provider "aws" {
  region = "eu-central-1"
}

module "db_logins" {
  source = "../.."

  name    = "shop-prod-db"
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  database = {
    url               = "postgresql://shop-prod-db.cluster-c0.eu-central-1.rds.amazonaws.com:5432/shop?sslmode=verify-full"
    master_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds-owner-AbCdEf"
  }

  logins = {
    api    = { username = "shop_api", rows = "write", queue = true }
    report = { username = "shop_report", rows = "read", queue = false }
  }
}
